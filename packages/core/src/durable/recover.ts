// What a lease's new owner finds half done: it runs again, each by itself, and what may have been under way has used an attempt.
import { Failure, failureToJson } from '../failure.ts';
import type { HandlerRecord, LogEntry, Position, TaskRow } from '../ports/index.ts';
import type { HandlerStore, TaskState } from '../ports/tasks.ts';
import type { World } from '../ports/world.ts';
import { claimMax } from './limits.ts';
import { pagesOf } from './pages.ts';
import { defaultDelayMs } from './policy.ts';
import { isAbandoned } from './steps.ts';
import type { HandlerSpec } from './task.ts';
import { look, type EventEntry } from './wants.ts';

/** What a new owner begins with: nothing is in flight. */
export interface Recovered {
  readonly record: HandlerRecord;
  /** How many rows there are, waiting or blocked, that were claimed when a tab died, in this death or in one before. */
  readonly suspects: number;
}

/**
 * Turns what was claimed under the terms before into rows that wait, or are dead; undefined when the lease was lost meanwhile.
 *
 * The disk knows what was claimed, and not what had begun of it: an end is stored later than it comes. Where no more were
 * claimed than run at once, all of them may have begun, and have used an attempt. Of more, those that were taken from the log
 * begin in its order, so that the first, as many as run at once, may have; among rows nobody knows. What is left has used none,
 * and is a suspect: it is claimed next with no more than run at once, and if it is abandoned then, it has used an attempt.
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
): Promise<Recovered | undefined> {
  const { spec, store, world, wants, keys } = parts;
  const { name: handler, concurrency, maxErrors } = spec;
  const failure = failureToJson(
    new Failure(
      'Abandoned',
      `the tab that ran "${handler}" ended or stopped answering before it said what became of this event`,
    ),
    { stack: false },
  );
  let now = record;
  const isOrderKnown = record.rows.running === 0 || (await countClaimed()) <= concurrency;
  let begun = 0;
  const busy = new Set<string | null>();
  let failed = 0;
  let suspects = 0;

  // All of it in one commit, if it is no more than a page: who dies in between would leave less, of which more might have begun.
  while (now.rows.running > 0 || now.cursor < now.claimed) {
    const running = await store.tasks({ handler, states: ['running'] }, { limit: claimMax });
    const { lost, upTo } = await lostBehind(now.cursor);
    const its = await keys(lost);
    const put = [
      ...running.tasks.map((row) => again(row, 'waiting')),
      ...lost.map(({ position, channel, event, offset }, index) => {
        const key = its[index] ?? null;
        // Whatever of its key is there already, whoever is first goes on.
        const state = key === null ? 'waiting' : 'blocked';
        return again({ handler, position, channel, event, offset, attempts: 1, key }, state);
      }),
    ];
    if (!(await commit(put, upTo))) return undefined;
  }
  return (await letGoOn()) ? { record: now, suspects } : undefined;

  /** How many were claimed and have not ended; no further than it matters. */
  async function countClaimed(): Promise<number> {
    let count = record.rows.running;
    for (let after = record.cursor; after < record.claimed && count <= concurrency;) {
      const { lost, upTo } = await lostBehind(after);
      count += lost.length;
      after = upTo;
    }
    return count;
  }

  /** What was taken from the log and has not ended, as far as one look goes. */
  async function lostBehind(after: Position): Promise<{ lost: readonly EventEntry[]; upTo: Position }> {
    const { claimed, ended } = now;
    const found = await look(store, after, claimMax, wants);
    const lost = found.entries.filter(({ position }) => position <= claimed && !ended.includes(position));
    // A step that moves the cursor by nothing would come round for ever: the log ends before what was claimed of it.
    return { lost, upTo: found.atHead || found.upTo <= after ? claimed : Math.min(found.upTo, claimed) };
  }

  /** What was claimed, as it waits now, or is dead. */
  function again(row: Claimed, state: TaskState): TaskRow {
    const { key, attempts } = row;
    const at = world.now();
    const isFirst = isOrderKnown && begun < concurrency && (key === null || !busy.has(key));
    if (!isFirst) return { ...row, state, attempts: attempts - 1, at, delayMs: 0, failure };
    begun += 1;
    busy.add(key);
    failed += 1;
    if (attempts >= maxErrors) return { ...row, state: 'dead', at, delayMs: 0, failure };
    return { ...row, state, at, delayMs: defaultDelayMs(world, attempts), failure };
  }

  /**
   * Counts what is left to be suspected, and lets the first of every key go on. Of what was lost this release may not be able to
   * tell the key, as of an event of a newer one: its row has none, and ends without a word to those that wait behind it.
   */
  async function letGoOn(): Promise<boolean> {
    if (now.rows.waiting + now.rows.blocked === 0) return true;
    for await (const page of pagesOf(store, { handler, states: ['waiting', 'blocked'] })) {
      suspects += page.filter(isAbandoned).length;
      const unblock = page.flatMap(({ state, key }) => (state === 'blocked' ? (key ?? []) : []));
      if (unblock.length > 0 && !(await commit([], now.cursor, unblock))) return false;
    }
    return true;
  }

  async function commit(put: readonly TaskRow[], cursor: Position, unblock: readonly string[] = []): Promise<boolean> {
    const advanced = await store.advance({
      handler,
      term: now.term,
      at: world.now(),
      cursor,
      claimed: now.claimed,
      ended: now.ended.filter((position) => position > cursor),
      put,
      remove: [],
      unblock,
      queue: [],
      claim: 0,
      totals: { passed: 0, handled: 0, failed, dropped: {} },
      release: false,
    });
    if (advanced === 'fenced') return false;
    failed = 0;
    now = advanced.record;
    return true;
  }
}

/** A row that ran, or an event that was taken from the log. */
type Claimed = Omit<TaskRow, 'state' | 'at' | 'delayMs' | 'failure'>;
