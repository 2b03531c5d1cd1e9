// What a store of durable handlers keeps, as the work on it asks for it. An adapter is a table and a transaction.
import type { Position } from '../../ports/store.ts';
import type { HandlerRecord, TaskKey, TaskQuery, TaskRow, TaskState } from '../../ports/tasks.ts';
import type { Answer } from './steps.ts';

/**
 * **Law.** Requests are served in the order in which they are made: a row that was just put is found by what is asked
 * next. Nothing is kept unless the whole transaction is. What a `put` or a `remove` answers nobody waits for.
 */
export interface TaskTable {
  /** A handler's record. */
  record(handler: string): Answer<HandlerRecord | undefined>;
  /** Every record, by name. */
  records(): Answer<readonly HandlerRecord[]>;
  putRecord(record: HandlerRecord): unknown;
  /** The states of a handler's rows at these positions, each named once; undefined where there is no such row. */
  states(handler: string, positions: readonly Position[]): Answer<readonly (TaskState | undefined)[]>;
  putRow(row: TaskRow): unknown;
  /** Writes a row that is there, and of which only `state`, `attempts`, `at` and `delayMs` are new. */
  turnRow(row: TaskRow): unknown;
  /** Removes rows that are there, each named once. */
  removeRows(handler: string, positions: readonly Position[]): Answer<void>;
  /** Removes a handler's record and its rows. */
  removeHandler(handler: string): unknown;
  /** Two of a key's live rows, if it has so many: those that wait or run first, then those that are blocked, by position. */
  live(handler: string, key: string): Answer<readonly TaskRow[]>;
  /**
   * Waiting rows that are due, at most `limit` (at least 1): those whose `at + delayMs` has come, by it, and behind them
   * those whose `at` lies in the future, by `at`; those of equal rank by position.
   */
  due(handler: string, at: number, limit: number): Answer<readonly TaskRow[]>;
  /** The least `at + delayMs` of a handler's waiting rows. */
  earliest(handler: string): Answer<number | null>;
  /** The rows behind `after` that the query asks for, at most `limit` (at least 1), by handler and position. `type` may be passed over. */
  find(query: TaskQuery, after: TaskKey | undefined, limit: number): Answer<readonly TaskRow[]>;
}
