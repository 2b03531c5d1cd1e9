// One step of a handler's owner: what has ended is kept, and what comes next is claimed, in one transaction.
import type { Position } from '../../ports/store.ts';
import type { Advanced, Step, TaskRow } from '../../ports/tasks.ts';
import { ledgerOf } from './ledger.ts';
import { droppedOnly, sumOf } from './record.ts';
import { assertRow, turned } from './rows.ts';
import { all, one, type Steps } from './steps.ts';
import type { TaskTable } from './table.ts';

/**
 * Does a step: put, remove, unblock, cancelled ahead, queue, claim.
 *
 * @param before what an earlier attempt at this very step answered, of which nobody knows whether it was committed
 */
export function* advance(table: TaskTable, step: Step, before?: Advanced): Steps<Advanced | 'fenced'> {
  const { handler, at } = step;
  for (const row of [...step.put, ...step.queue]) assertRow(handler, row);
  const record = yield* one(table.record(handler));
  if (record?.term !== step.term) return 'fenced';
  // The beat is the step's number: it was committed, and must not be counted twice.
  if (before !== undefined && record.beat === before.record.beat) return before;
  if (record.owner === null) return 'fenced';

  const ledger = ledgerOf(table, record);
  yield* ledger.put(step.put);
  yield* ledger.remove(step.remove);
  yield* ledger.unblock(step.unblock, at);

  const ahead =
    ledger.rows.cancelled === 0
      ? []
      : yield* one(
          table.find({ handler, states: ['cancelled'] }, { handler, position: record.claimed }, ledger.rows.cancelled),
        );
  const reached = ahead.filter(({ position }) => position <= step.claimed);
  const cancelled = reached.map(({ position }) => position);
  yield* ledger.drop(reached);

  // Of keyed rows only those behind a live one of their key are written; the others run from the log, without a row.
  const hasLive = ledger.rows.waiting + ledger.rows.blocked + ledger.rows.running > 0;
  const fresh = hasLive ? step.queue.filter(({ position }) => !cancelled.includes(position)) : [];
  const keys = [...new Set(fresh.flatMap(({ key }) => key ?? []))];
  const heads = yield* all(keys.map((key) => table.live(handler, key)));
  const live = new Map<string | null, readonly TaskRow[] | undefined>(keys.map((key, index) => [key, heads[index]]));
  const behind = fresh.filter(({ key, position }) => live.get(key)?.some((row) => row.position !== position));
  const queued = yield* ledger.put(behind.map((row) => turned(row, 'blocked', at)));

  const due = step.claim > 0 && ledger.rows.waiting > 0 ? yield* one(table.due(handler, at, step.claim)) : [];
  // An attempt is used now: who claims it may die of it.
  const claimed = ledger.turn(due, (row) => ({ ...turned(row, 'running', at), attempts: row.attempts + 1 }));

  const next = {
    ...(yield* ledger.recorded()),
    cursor: step.cursor,
    claimed: step.claimed,
    // What has a row now, or never gets one: who comes after a tab that died here must not take it from the log again.
    ended: withMore(step, [...queued, ...cancelled]),
    owner: step.release ? null : record.owner,
    beat: record.beat + 1,
    definedAt: at,
    totals: sumOf(sumOf(record.totals, step.totals), droppedOnly('cancelled', cancelled.length)),
  };
  table.putRecord(next);
  return { claimed, queued, cancelled, record: next };
}

function withMore({ ended, cursor }: Step, more: readonly Position[]): readonly Position[] {
  if (more.length === 0) return ended;
  return [...new Set([...ended, ...more])].filter((position) => position > cursor).toSorted((a, b) => a - b);
}
