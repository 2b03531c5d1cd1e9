// Durable handlers in IndexedDB: their records and rows, each question a request or two, whatever it answers.
import { byKey, dueOf, laneRank, type HandlerRecord, type Position, type TaskRow, type TaskTable } from '@godwit/core';
import type { IDBPTransaction } from 'idb';
import type { Database, Schema, TaskRecord } from './schema.ts';
import { look } from './state.ts';
import { heard } from './write.ts';

/** The stores that they are in. */
export const taskStores: ('handlers' | 'tasks')[] = ['handlers', 'tasks'];

/** Of how many times as many rows the keys are looked through for those that are asked for. */
const spread = 4;

/**
 * Waits for whoever writes within a step, and holds nothing: a write to `meta` that waited there would keep every tab from reading
 * it, as each does when it opens, for as long as somebody hangs.
 */
export function behindSteps(database: Database): Promise<unknown> {
  return look(database, ['handlers'], (before) => before.objectStore('handlers').count());
}

/** The table within one transaction; within one that only reads, it only reads. */
export function idbTable(transaction: IDBPTransaction<Schema, typeof taskStores, IDBTransactionMode>): TaskTable {
  const handlers = transaction.objectStore('handlers');
  const tasks = transaction.objectStore('tasks');

  const putRow = (row: TaskRow): void => made(tasks.put?.(taskOf(row)));

  return {
    record: async (handler) => (await heard(handlers.get(handler)))?.record,
    records: async () => recordsOf(await heard(handlers.getAll())),
    putRecord: (record) => made(handlers.put?.({ v: 1, record })),
    async states(handler, positions) {
      // Mostly it is what runs that is asked for, and keys are found without reading an event.
      const range = IDBKeyRange.bound(...ends(['running', handler], positions));
      const keys = await heard(tasks.index('state').getAllKeys(range));
      const running = new Set(keys.map(([, position]) => position));
      return Promise.all(
        positions.map(async (position) =>
          running.has(position) ? 'running' : (await heard(tasks.get([handler, position])))?.row.state,
        ),
      );
    },
    putRow,
    turnRow: putRow,
    async removeRows(handler, positions) {
      const gone = new Set(positions);
      const there = await heard(
        tasks.getAllKeys(IDBKeyRange.bound(...ends([handler], positions)), positions.length * spread),
      );
      // Where rows lie side by side one request removes them all.
      let run: Position[] = [];
      const removeRun = (): void => {
        if (run.length > 0) made(tasks.delete?.(IDBKeyRange.bound(...ends([handler], run))));
        run = [];
      };
      for (const [, position] of there) {
        if (gone.delete(position)) run.push(position);
        else removeRun();
      }
      removeRun();
      for (const position of gone) made(tasks.delete?.([handler, position]));
    },
    removeHandler(handler) {
      made(tasks.delete?.(all(handler)));
      made(handlers.delete?.(handler));
    },
    live: async (handler, key) =>
      rowsOf(await heard(tasks.index('lane').getAll(IDBKeyRange.bound([handler, [key]], [handler, [key, []]]), 2))),
    async due(handler, at, limit) {
      // Behind those whose time has come, those of a clock that jumped back. A row is in one of the ranges only.
      const [due, ahead] = [
        heard(tasks.index('due').getAll(IDBKeyRange.bound([handler], [handler, at]), limit)),
        heard(
          tasks.index('at').getAll(IDBKeyRange.bound(['waiting', handler, at], ['waiting', handler, []], true), limit),
        ),
      ];
      return rowsOf([...(await due), ...(await ahead)]).slice(0, limit);
    },
    earliest: async (handler) => (await heard(tasks.index('due').openKeyCursor(all(handler))))?.key[1] ?? null,
    async find({ handler, position, states }, after, limit) {
      const own = [handler, position].filter((part) => part !== undefined);
      const end = position === undefined ? [...own, []] : own;
      const behind = after === undefined ? [] : [after.handler, after.position];
      const isBehind = after !== undefined && indexedDB.cmp(behind, own) >= 0;
      if (isBehind && indexedDB.cmp(behind, end) >= 0) return [];
      const range = (...state: readonly string[]): IDBKeyRange =>
        IDBKeyRange.bound([...state, ...(isBehind ? behind : own)], [...state, ...end], isBehind);
      const found =
        states === undefined
          ? [heard(tasks.getAll(range(), limit))]
          : [...new Set(states)].map((state) => heard(tasks.index('state').getAll(range(state), limit)));
      return rowsOf((await Promise.all(found)).flat())
        .toSorted(byKey)
        .slice(0, limit);
    },
  };
}

/** The records without their version. */
export function recordsOf(stored: readonly Schema['handlers']['value'][]): readonly HandlerRecord[] {
  return stored.map(({ record }) => record);
}

/** A row as it is kept. A property that is not there keeps it out of that index. */
function taskOf(row: TaskRow): TaskRecord {
  const { state, key } = row;
  const rank = laneRank(state);
  return {
    v: 1,
    row,
    ...(state === 'waiting' ? { due: dueOf(row) } : {}),
    ...(key === null || rank === undefined ? {} : { lane: [key, rank] }),
  };
}

/** Whether it succeeds the transaction tells. */
function made(request: Promise<unknown> | undefined): void {
  request?.catch(() => undefined);
}

function rowsOf(stored: readonly TaskRecord[]): TaskRow[] {
  return stored.map(({ row }) => row);
}

/** The keys of the first of these positions and of the last. */
function ends(own: readonly string[], positions: readonly Position[]): [unknown[], unknown[]] {
  const sorted = positions.toSorted((a, b) => a - b);
  return [
    [...own, sorted[0]],
    [...own, sorted.at(-1)],
  ];
}

function all(handler: string): IDBKeyRange {
  return IDBKeyRange.bound([handler], [handler, []]);
}
