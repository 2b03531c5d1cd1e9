// Handlers and rows in memory: a map of each.
import type { HandlerRecord, TaskRow } from '../../ports/tasks.ts';
import { byDue, byKey, dueOf, isAskedFor, isDue, laneRank } from './rows.ts';
import type { TaskTable } from './table.ts';

/** What is kept of durable handlers. */
export interface MemoryTasks {
  readonly records: Map<string, HandlerRecord>;
  /** By handler, then by position. */
  readonly rows: Map<string, Map<number, TaskRow>>;
}

/** The table over it. */
export function memoryTable({ records, rows }: MemoryTasks): TaskTable {
  const rowsOf = (handler: string): readonly TaskRow[] => [...(rows.get(handler)?.values() ?? [])];
  const putRow = (row: TaskRow): void => {
    const own = rows.get(row.handler) ?? new Map<number, TaskRow>();
    rows.set(row.handler, own.set(row.position, row));
  };
  return {
    record: (handler) => records.get(handler),
    records: () => [...records.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    putRecord: (record) => records.set(record.name, record),
    states: (handler, positions) => positions.map((position) => rows.get(handler)?.get(position)?.state),
    putRow,
    turnRow: putRow,
    removeRows(handler, positions) {
      for (const position of positions) rows.get(handler)?.delete(position);
    },
    removeHandler(handler) {
      records.delete(handler);
      rows.delete(handler);
    },
    live: (handler, key) =>
      rowsOf(handler)
        .filter((row) => row.key === key && laneRank(row.state) !== undefined)
        .toSorted((one, other) => (laneRank(one.state) ?? 0) - (laneRank(other.state) ?? 0) || byKey(one, other))
        .slice(0, 2),
    due: (handler, at, limit) =>
      rowsOf(handler)
        .filter((row) => isDue(row, at))
        .toSorted(byDue(at))
        .slice(0, limit),
    earliest(handler) {
      const waiting = rowsOf(handler).filter(({ state }) => state === 'waiting');
      return waiting.length === 0 ? null : waiting.reduce((least, row) => Math.min(least, dueOf(row)), Infinity);
    },
    find: (query, after, limit) =>
      [...rows.values()]
        .flatMap((own) => [...own.values()])
        .filter((row) => isAskedFor(query, row) && (after === undefined || byKey(row, after) > 0))
        .toSorted(byKey)
        .slice(0, limit),
  };
}
