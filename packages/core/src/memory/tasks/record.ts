// A handler's record: made, leased, and counted into.
import type { Position } from '../../ports/store.ts';
import {
  taskStates,
  type HandlerRecord,
  type LeaseRequest,
  type TaskState,
  type TaskTotals,
} from '../../ports/tasks.ts';

/** The record once the lease has been asked for; the same one when nothing changes, none when there is none. */
export function leased(record: HandlerRecord | undefined, request: LeaseRequest): HandlerRecord | undefined {
  const { handler, tab, at, start, over } = request;
  if (record === undefined) return start === undefined ? undefined : madeBy(handler, tab, at, start);
  if (record.owner === tab) return { ...record, definedAt: at };
  if (record.owner === null || (over?.term === record.term && over.beat === record.beat)) {
    return { ...record, owner: tab, term: record.term + 1, definedAt: at };
  }
  return record;
}

/** No rows at all. */
export function noRows(): Record<TaskState, number> {
  return { waiting: 0, blocked: 0, running: 0, dead: 0, deferred: 0, cancelled: 0 };
}

/** How many rows a handler has. */
export function rowsOf({ rows }: HandlerRecord): number {
  return taskStates.reduce((sum, state) => sum + rows[state], 0);
}

/** Totals of nothing, but for what was dropped. */
export function droppedOnly(reason: string, count: number, passed: number = 0): TaskTotals {
  return { passed, handled: 0, failed: 0, dropped: count === 0 ? {} : { [reason]: count } };
}

/** Both together. */
export function sumOf(one: TaskTotals, other: TaskTotals): TaskTotals {
  const dropped = { ...one.dropped };
  for (const [reason, count] of Object.entries(other.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count;
  return {
    passed: one.passed + other.passed,
    handled: one.handled + other.handled,
    failed: one.failed + other.failed,
    dropped,
  };
}

function madeBy(name: string, tab: string, at: number, start: Position): HandlerRecord {
  return {
    name,
    cursor: start,
    claimed: start,
    ended: [],
    owner: tab,
    term: 1,
    beat: 0,
    definedAt: at,
    rows: noRows(),
    due: null,
    totals: droppedOnly('', 0),
  };
}
