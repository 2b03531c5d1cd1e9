// One row: what it may hold, when it is due, and how it goes from state to state.
import { Failure } from '../../failure.ts';
import type { TaskKey, TaskQuery, TaskRow, TaskState } from '../../ports/tasks.ts';

/**
 * Where a row stands in its key: 0 at the head, waiting or running; 1 behind it, blocked; undefined for one that holds up
 * nobody.
 */
export function laneRank(state: TaskState): 0 | 1 | undefined {
  if (state === 'blocked') return 1;
  return state === 'waiting' || state === 'running' ? 0 : undefined;
}

/** When a waiting row is due, if the clock does not jump. */
export function dueOf({ at, delayMs }: Pick<TaskRow, 'at' | 'delayMs'>): number {
  return at + delayMs;
}

/** Whether it may be claimed now. */
export function isDue(row: TaskRow, now: number): boolean {
  return row.state === 'waiting' && (dueOf(row) <= now || row.at > now);
}

/** The order of claims: the oldest due first, and behind them, since nothing due lies there, those of a clock that jumped back. */
export function byDue(now: number): (one: TaskRow, other: TaskRow) => number {
  const since = (row: TaskRow): number => (row.at > now ? row.at : dueOf(row));
  return (one, other) => since(one) - since(other) || one.position - other.position;
}

/** The order of pages. */
export function byKey(one: TaskKey, other: TaskKey): number {
  return one.handler === other.handler ? one.position - other.position : one.handler < other.handler ? -1 : 1;
}

/** A row's key. */
export function keyOf({ handler, position }: TaskKey): TaskKey {
  return { handler, position };
}

/** Whether a query asks for the row, but for its type. */
export function isAskedFor({ handler, position, states }: TaskQuery, row: TaskRow): boolean {
  return (
    (handler === undefined || row.handler === handler) &&
    (position === undefined || row.position === position) &&
    (states === undefined || states.includes(row.state))
  );
}

/** The row in another state, and due at once if it waits there. */
export function turned(row: TaskRow, state: TaskState, at: number): TaskRow {
  return { ...row, state, at, delayMs: 0 };
}

/** Refuses what no index could find again: a row that waits until NaN waits for ever. */
export function assertRow(handler: string, row: Pick<TaskRow, 'handler' | 'position' | 'at' | 'delayMs'>): void {
  const isFound = Number.isSafeInteger(row.position) && Number.isFinite(dueOf(row)) && row.delayMs >= 0;
  if (isFound && row.handler === handler) return;
  throw new Failure(
    'Internal',
    `a row of "${handler}" cannot be stored: handler "${row.handler}", position ${row.position}, at ${row.at}, delayMs ${row.delayMs}`,
  );
}
