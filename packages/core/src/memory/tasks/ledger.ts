// Changes rows of one handler, and counts what each change does: `rows` and `due` always agree with what is stored.
import type { Position } from '../../ports/store.ts';
import type { HandlerRecord, TaskRow, TaskState } from '../../ports/tasks.ts';
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
  /** Turns rows that this transaction has just read into another state: they are not read again. */
  turn(rows: readonly TaskRow[], into: (row: TaskRow) => TaskRow): readonly TaskRow[];
  /** Removes rows that this transaction has just read. */
  drop(rows: readonly TaskRow[]): Steps<void>;
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
      table.putRow(row);
      count(old, -1);
      count(row.state, 1);
      return [row.position];
    });
  }

  function* remove(positions: readonly Position[]): Steps<void> {
    const each = [...new Set(positions)];
    const states = yield* stored(each);
    const there = each.flatMap((position, index) => {
      const state = states[index];
      return state === undefined ? [] : [{ position, state }];
    });
    yield* drop(there);
  }

  function turn(olds: readonly TaskRow[], into: (row: TaskRow) => TaskRow): readonly TaskRow[] {
    return olds.map((old) => {
      const row = into(old);
      table.turnRow(row);
      count(old.state, -1);
      count(row.state, 1);
      return row;
    });
  }

  function* drop(olds: readonly Pick<TaskRow, 'position' | 'state'>[]): Steps<void> {
    if (olds.length === 0) return;
    const removed = table.removeRows(
      handler,
      olds.map(({ position }) => position),
    );
    for (const { state } of olds) count(state, -1);
    yield* one(removed);
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
    if (total === 0 || positions.length === 0) return [];
    return yield* one(table.states(handler, positions));
  }

  function count(state: TaskState | undefined, by: 1 | -1): void {
    if (state === undefined) return;
    rows[state] += by;
    total += by;
    if (state === 'waiting') isWaitingTouched = true;
  }
}
