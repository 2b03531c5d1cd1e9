// What a person does with rows: look at them, run them again, discard them, cancel them.
import type { HandlerRecord, TaskChange, TaskKey, TaskPage, TaskQuery, TaskRow, TaskState } from '../../ports/tasks.ts';
import { ledgerOf, type Ledger } from './ledger.ts';
import { droppedOnly, sumOf } from './record.ts';
import { assertRow, keyOf, turned } from './rows.ts';
import { one, type Steps } from './steps.ts';
import type { TaskTable } from './table.ts';

/** The states of which each change takes rows. */
const changeable: Readonly<Record<TaskChange, readonly TaskState[]>> = {
  retry: ['dead', 'deferred', 'waiting'],
  discard: ['dead', 'deferred'],
  cancel: ['waiting', 'blocked', 'deferred'],
};

/** A page of rows. */
export function* tasks(
  table: TaskTable,
  query: TaskQuery,
  { after, limit }: { readonly after?: TaskKey | undefined; readonly limit: number },
): Steps<TaskPage> {
  const rows = limit > 0 ? yield* one(table.find(query, after, limit)) : [];
  const last = rows.at(-1);
  return {
    tasks: rows.filter(({ event }) => query.type === undefined || event.type === query.type),
    next: last === undefined || rows.length < limit ? null : keyOf(last),
  };
}

/** Changes a page of rows. */
export function* change(
  table: TaskTable,
  query: TaskQuery,
  what: TaskChange,
  page: { readonly at: number; readonly after?: TaskKey | undefined; readonly limit: number },
): Steps<{ readonly changed: number; readonly next: TaskKey | null }> {
  const states = changeable[what].filter((state) => query.states?.includes(state) ?? true);
  const { tasks: rows, next } = yield* tasks(table, { ...query, states }, page);
  for (const [handler, own] of Map.groupBy(rows, ({ handler }) => handler)) {
    const record = yield* one(table.record(handler));
    if (record === undefined) continue;
    const ledger = ledgerOf(table, record);
    const totals = what === 'retry' ? record.totals : yield* removed(ledger, record, own, what, page.at);
    if (what === 'retry') yield* retried(table, ledger, own, page.at);
    table.putRecord({ ...(yield* ledger.recorded()), totals });
  }
  return { changed: rows.length, next };
}

/** Notes ahead that an event is not to be run. */
export function* cancelAhead(table: TaskTable, row: Omit<TaskRow, 'state'>): Steps<boolean> {
  assertRow(row.handler, row);
  const record = yield* one(table.record(row.handler));
  if (record === undefined || row.position <= record.claimed) return false;
  // Behind events that were given back lie some that have ended: cancelled twice, it would count twice.
  if (record.ended.includes(row.position)) return false;
  const ledger = ledgerOf(table, record);
  yield* ledger.put([{ ...row, state: 'cancelled' }]);
  table.putRecord(yield* ledger.recorded());
  return true;
}

/** One row after the other: the first of a key waits, and those behind it see that it does. */
function* retried(table: TaskTable, ledger: Ledger, rows: readonly TaskRow[], at: number): Steps<void> {
  for (const row of rows) {
    const [head] = row.key === null || row.state === 'waiting' ? [] : yield* one(table.live(row.handler, row.key));
    const again = turned(row, head === undefined ? 'waiting' : 'blocked', at);
    ledger.turn([row], () => (row.state === 'dead' ? { ...again, attempts: 0 } : again));
  }
}

function* removed(
  ledger: Ledger,
  record: HandlerRecord,
  rows: readonly TaskRow[],
  what: 'discard' | 'cancel',
  at: number,
): Steps<HandlerRecord['totals']> {
  yield* ledger.drop(rows);
  // Whoever waited for a cancelled one waits for nobody now.
  yield* ledger.unblock(
    rows.flatMap(({ key }) => key ?? []),
    at,
  );
  return sumOf(record.totals, droppedOnly(what === 'discard' ? 'discarded' : 'cancelled', rows.length));
}
