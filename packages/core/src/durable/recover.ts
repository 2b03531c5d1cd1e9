// What a lease's new owner finds half done: the attempt of whoever is gone is used, and its events run again, each by itself.
import { Failure, failureToJson } from '../failure.ts';
import type { HandlerRecord, LogEntry, TaskRow } from '../ports/index.ts';
import type { HandlerStore, Step, TaskKey, TaskPage } from '../ports/tasks.ts';
import type { World } from '../ports/world.ts';
import { claimMax } from './limits.ts';
import { defaultDelayMs } from './policy.ts';
import { rowOf } from './steps.ts';
import type { HandlerSpec } from './task.ts';
import { look, type EventEntry } from './wants.ts';

/**
 * Turns what was claimed under the terms before into rows that wait, or are dead. Answers the record as it is then, with
 * nothing in flight; or undefined when the lease was lost meanwhile.
 */
export async function recover(
  parts: {
    readonly spec: HandlerSpec;
    readonly store: HandlerStore;
    readonly world: World;
    readonly wants: (entry: LogEntry) => entry is EventEntry;
    readonly keys: (events: readonly EventEntry[]) => Promise<readonly (string | null)[]>;
  },
  record: HandlerRecord,
): Promise<HandlerRecord | undefined> {
  const { spec, store, world, wants, keys } = parts;
  const failure = failureToJson(
    new Failure(
      'Abandoned',
      `the tab that ran "${spec.name}" ended or stopped answering before it said how this attempt went`,
    ),
    { stack: false },
  );
  const first = new Set<string>();
  let now = record;

  const running = await store.tasks({ handler: spec.name, states: ['running'] }, { limit: claimMax });
  for (let page = running; page.tasks.length > 0;) {
    if (!(await commit({ put: page.tasks.map(again).map(inOrder), cursor: now.cursor, claimed: now.claimed })))
      return undefined;
    page = await store.tasks({ handler: spec.name, states: ['running'] }, { limit: claimMax });
  }

  while (now.cursor < now.claimed) {
    const found = await look(store, now.cursor, claimMax, wants);
    const ended = new Set(now.ended);
    const lost = found.entries.filter(({ position }) => position <= record.claimed && !ended.has(position));
    const cursor = Math.min(found.upTo, now.claimed);
    // A step that moves the cursor by nothing would come round for ever: the log ends before what was claimed of it.
    const end = found.atHead || cursor <= now.cursor ? now.claimed : cursor;
    const rows = (await rowsOf(lost)).map(again);
    // Where nothing of a key can wait already, its first waits; else they are put behind, and whoever is first goes on.
    const { waiting, blocked, running } = now.rows;
    const isEmpty = waiting + blocked + running === 0;
    const put = rows.map(isEmpty ? inOrder : behind);
    const unblock = isEmpty ? [] : rows.flatMap(({ key }) => key ?? []);
    if (!(await commit({ put, unblock, cursor: end, claimed: now.claimed, failed: lost.length }))) return undefined;
  }
  return (await letGoOn()) ? now : undefined;

  /**
   * Of what was lost this release may not be able to tell the key, as of an event of a newer one: its row has none, and ends
   * without a word to those that wait behind it. So the first of every key is looked at.
   */
  async function letGoOn(): Promise<boolean> {
    if (now.rows.blocked === 0) return true;
    const blocked = { handler: spec.name, states: ['blocked'] } as const;
    let after: TaskKey | null = null;
    do {
      const page: TaskPage = await store.tasks(blocked, { limit: claimMax, ...(after === null ? {} : { after }) });
      const unblock = [...new Set(page.tasks.flatMap(({ key }) => key ?? []))];
      if (unblock.length > 0 && !(await commit({ unblock, cursor: now.cursor, claimed: now.claimed }))) return false;
      after = page.next;
    } while (after !== null);
    return true;
  }

  function again(row: TaskRow): TaskRow {
    const isDead = row.attempts >= spec.maxErrors;
    const delayMs = isDead ? 0 : defaultDelayMs(world, row.attempts);
    return { ...row, state: isDead ? 'dead' : 'waiting', at: world.now(), delayMs, failure };
  }

  /** Of one key, the first waits and the others are blocked by it. */
  function inOrder(row: TaskRow): TaskRow {
    if (row.key === null || row.state !== 'waiting') return row;
    if (first.has(row.key)) return { ...row, state: 'blocked' };
    first.add(row.key);
    return row;
  }
  async function rowsOf(entries: readonly EventEntry[]): Promise<readonly TaskRow[]> {
    const its = await keys(entries);
    return entries.map(({ position, channel, event, offset }, index) =>
      rowOf(
        {
          handler: spec.name,
          term: now.term,
          position,
          channel,
          event,
          offset,
          attempt: 1,
          key: its[index] ?? null,
          again: false,
        },
        world.now(),
        { state: 'waiting' },
      ),
    );
  }

  async function commit(
    change: Pick<Step, 'cursor' | 'claimed'> & {
      readonly put?: readonly TaskRow[];
      readonly unblock?: readonly string[];
      readonly failed?: number;
    },
  ): Promise<boolean> {
    const { put = [], unblock = [], cursor, claimed, failed = put.length } = change;
    const advanced = await store.advance({
      handler: spec.name,
      term: now.term,
      at: world.now(),
      cursor,
      claimed,
      ended: now.ended.filter((position) => position > cursor),
      put,
      remove: [],
      unblock: [...unblock, ...put.flatMap(({ state, key }) => (state === 'dead' && key !== null ? [key] : []))],
      queue: [],
      claim: 0,
      totals: { passed: 0, handled: 0, failed, dropped: {} },
      release: false,
    });
    if (advanced === 'fenced') return false;
    now = advanced.record;
    return true;
  }
}

function behind(row: TaskRow): TaskRow {
  return row.key === null || row.state !== 'waiting' ? row : { ...row, state: 'blocked' };
}
