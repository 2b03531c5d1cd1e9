// Changes rows of one handler, and counts what each change does: `rows` and `due` always agree with what is stored.
import type { Position } from '../../ports/store.ts';
import type { HandlerRecord, TaskKey, TaskRow, TaskState } from '../../ports/tasks.ts';
import { rowsOf } from './record.ts';
import { turned } from './rows.ts';
import { all, one, type Steps } from './steps.ts';
import type { TaskTable } from './table.ts';

/** Rows of one handler, within one transaction. */
export interface Ledger {
  /** The counts as they are now. */
  readonly rows: HandlerRecord['rows'];
  /** Writes rows, but over none that was cancelled ahead. Answers which it wrote. */
  put(rows: readonly TaskRow[]): Steps<readonly Position[]>;
  /** Removes rows; what is not there is passed over. */
  remove(positions: readonly Position[]): Steps<void>;
  /** Replaces rows that this transaction has just read: they are not read again. */
  turn(rows: readonly TaskRow[], into: (row: TaskRow) => TaskRow): readonly TaskRow[];
  /** Removes rows that this transaction has just read. */
  drop(rows: readonly TaskRow[]): void;
  /** Lets the first blocked row of each key wait, if no other live row of it runs or waits. */
  unblock(keys: readonly string[], at: number): Steps<void>;
  /** The handler's record with its counts and its next due time. */
  recorded(): Steps<HandlerRecord>;
}

/** Opens the rows of a handler. */
export function ledgerOf(table: TaskTable, record: HandlerRecord): Ledger {
  const handler = record.name;
  const rows = { ...record.rows };
  let total = rowsOf(record);
  let isWaitingTouched = false;
  return { rows, put, remove, turn, drop, unblock, recorded };

  function* put(written: readonly TaskRow[]): Steps<readonly Position[]> {
    // The last of two with one position is the one that stays.
    const latest = [...new Map(written.map((row) => [row.position, row])).values()];
    const before = yield* stored(latest.map(({ position }) => position));
    return latest.flatMap((row, index) => {
      const old = before[index];
      if (old === 'cancelled') return [];
      replace(old, row);
      return [row.position];
    });
  }

  function* remove(positions: readonly Position[]): Steps<void> {
    const each = [...new Set(positions)];
    const states = yield* stored(each);
    for (const [index, position] of each.entries()) gone({ handler, position }, states[index]);
  }

  function turn(olds: readonly TaskRow[], into: (row: TaskRow) => TaskRow): readonly TaskRow[] {
    return olds.map((old) => replace(old.state, into(old)));
  }

  function drop(olds: readonly TaskRow[]): void {
    for (const old of olds) gone(old, old.state);
  }

  function* unblock(keys: readonly string[], at: number): Steps<void> {
    if (rows.blocked === 0) return;
    const heads = yield* all([...new Set(keys)].map((key) => table.live(handler, key)));
    const next = heads.flatMap(([head]) => (head?.state === 'blocked' ? [head] : []));
    turn(next, (head) => turned(head, 'waiting', at));
  }

  function* recorded(): Steps<HandlerRecord> {
    if (!isWaitingTouched) return { ...record, rows };
    return { ...record, rows, due: rows.waiting === 0 ? null : yield* one(table.earliest(handler)) };
  }

  /** The states of the rows there are. A handler without any, as most have none, is not asked for. */
  function* stored(positions: readonly Position[]): Steps<readonly (TaskState | undefined)[]> {
    if (total === 0) return [];
    return yield* all(positions.map((position) => table.state({ handler, position })));
  }

  function replace(old: TaskState | undefined, row: TaskRow): TaskRow {
    table.putRow(row);
    count(old, -1);
    count(row.state, 1);
    return row;
  }

  function gone(key: TaskKey, state: TaskState | undefined): void {
    if (state === undefined) return;
    table.removeRow(key);
    count(state, -1);
  }

  function count(state: TaskState | undefined, by: 1 | -1): void {
    if (state === undefined) return;
    rows[state] += by;
    total += by;
    if (state === 'waiting') isWaitingTouched = true;
  }
}
