// Changes of many rows, page by page, so that none of them holds up the others for long.
import type { HandlerStore, TaskChange, TaskKey, TaskQuery } from '../ports/tasks.ts';
import type { World } from '../ports/world.ts';
import { claimMax } from './limits.ts';

/** Changes every row that the query finds; answers how many. */
export async function changeAll(
  store: Pick<HandlerStore, 'change'>,
  query: TaskQuery,
  change: TaskChange,
  world: Pick<World, 'now'>,
): Promise<number> {
  let all = 0;
  for (let after: TaskKey | null | undefined; after !== null;) {
    const { changed, next }: Awaited<ReturnType<HandlerStore['change']>> = await store.change(query, change, {
      at: world.now(),
      limit: claimMax,
      after,
    });
    all += changed;
    after = next;
  }
  return all;
}
