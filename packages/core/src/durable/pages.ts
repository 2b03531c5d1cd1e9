// Many rows, page by page, so that none of them holds up the others for long.
import type { HandlerStore, TaskChange, TaskKey, TaskQuery, TaskRow } from '../ports/tasks.ts';
import type { World } from '../ports/world.ts';
import { claimMax } from './limits.ts';

/** Reads every row that the query finds, in pages. */
export async function* pagesOf(store: HandlerStore, query: TaskQuery): AsyncGenerator<readonly TaskRow[], void, void> {
  for (let after: TaskKey | null | undefined; after !== null;) {
    const page: Awaited<ReturnType<HandlerStore['tasks']>> = await store.tasks(query, { limit: claimMax, after });
    yield page.tasks;
    after = page.next;
  }
}

/** Changes every row that the query finds; answers how many. */
export async function changeAll(
  store: HandlerStore,
  query: TaskQuery,
  change: TaskChange,
  world: Pick<World, 'now'>,
): Promise<number> {
  let all = 0;
  for (let after: TaskKey | null | undefined; after !== null;) {
    const page = { at: world.now(), limit: claimMax, after };
    const done: Awaited<ReturnType<HandlerStore['change']>> = await store.change(query, change, page);
    all += done.changed;
    after = done.next;
  }
  return all;
}
