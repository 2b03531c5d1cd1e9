// Webhooks in the relay's file: what was registered, how far each is, and a row for each event that is to be tried again.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import {
  doNow,
  taskStoreOf,
  type HandlerRecord,
  type TaskQuery,
  type TaskRow,
  type TaskState,
  type TaskStore,
  type TaskTable,
} from '@godwit/core';
import { escapeText } from '@godwit/core/protocol';
import type { WebhookRecord, WebhookTable } from '../../webhooks/types.ts';
import { storageFailure } from '../sqlite/database.ts';

/** What is kept of webhooks. */
export interface WebhookTables {
  readonly table: WebhookTable;
  readonly rows: TaskTable;
  readonly tasks: TaskStore;
}

type Row = Record<string, unknown>;

/** Prepares the statements. */
export function prepareWebhooks(database: DatabaseSync): WebhookTables {
  const rows = prepareRows(database);
  const all = database.prepare('SELECT record FROM webhooks ORDER BY id');
  const put = database.prepare('INSERT OR REPLACE INTO webhooks (id, record) VALUES (?, ?)');
  const remove = database.prepare('DELETE FROM webhooks WHERE id = ?');
  return {
    table: {
      all: () => all.all().map((row): WebhookRecord => jsonIn(row, 'record')),
      put: (record) => attempt('cannot store a webhook', () => void put.run(record.id, jsonOf(record))),
      remove: (id) => attempt('cannot remove a webhook', () => void remove.run(id)),
    },
    rows,
    tasks: taskStoreOf(
      async (what, work) =>
        attempt(`cannot ${what}`, () => {
          database.exec('BEGIN IMMEDIATE');
          try {
            const result = doNow(work(rows));
            database.exec('COMMIT');
            return result;
          } catch (error) {
            // A full disk may have rolled it back already.
            if (database.isTransaction) database.exec('ROLLBACK');
            throw error;
          }
        }),
      async (what, work) => attempt(`cannot ${what}`, () => doNow(work(rows))),
    ),
  };
}

function prepareRows(database: DatabaseSync): TaskTable {
  const record = database.prepare('SELECT record FROM handlers WHERE name = ?');
  const records = database.prepare('SELECT record FROM handlers ORDER BY name');
  const putRecord = database.prepare('INSERT OR REPLACE INTO handlers (name, record) VALUES (?, ?)');
  const removeRecord = database.prepare('DELETE FROM handlers WHERE name = ?');
  const statesAt = database.prepare(
    'SELECT position, state FROM tasks WHERE handler = ? AND position IN (SELECT value FROM json_each(?))',
  );
  const putRow = database.prepare(
    'INSERT OR REPLACE INTO tasks (handler, position, state, key, at, due, row) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const removeAt = database.prepare(
    'DELETE FROM tasks WHERE handler = ? AND position IN (SELECT value FROM json_each(?))',
  );
  const removeRows = database.prepare('DELETE FROM tasks WHERE handler = ?');
  // Deliveries have no keys; the law is kept all the same.
  const live = database.prepare(
    `SELECT row FROM tasks WHERE handler = ? AND key = ? AND state IN ('waiting', 'blocked', 'running')
      ORDER BY state = 'blocked', position LIMIT 2`,
  );
  const due = database.prepare(
    `SELECT row FROM tasks WHERE handler = ?1 AND state = 'waiting' AND (due <= ?2 OR at > ?2)
      ORDER BY due > ?2, CASE WHEN due <= ?2 THEN due ELSE at END, position LIMIT ?3`,
  );
  const earliest = database.prepare("SELECT min(due) AS due FROM tasks WHERE handler = ? AND state = 'waiting'");
  const write = (row: TaskRow): void =>
    void putRow.run(row.handler, row.position, row.state, keyOf(row.key), row.at, row.at + row.delayMs, jsonOf(row));

  return {
    record: (handler) => {
      const found = record.get(handler);
      return found === undefined ? undefined : jsonIn(found, 'record');
    },
    records: () => records.all().map((row): HandlerRecord => jsonIn(row, 'record')),
    putRecord: (next) => putRecord.run(next.name, jsonOf(next)),
    states(handler, positions) {
      const found = statesAt.all(handler, JSON.stringify(positions));
      const states = new Map(found.map(({ position, state }) => [Number(position), String(state) as TaskState]));
      return positions.map((position) => states.get(position));
    },
    putRow: write,
    turnRow: write,
    removeRows(handler, positions) {
      removeAt.run(handler, JSON.stringify(positions));
    },
    removeHandler(handler) {
      removeRecord.run(handler);
      removeRows.run(handler);
    },
    live: (handler, key) => live.all(handler, keyOf(key)).map((row): TaskRow => jsonIn(row, 'row')),
    due: (handler, at, limit) => due.all(handler, at, limit).map((row): TaskRow => jsonIn(row, 'row')),
    earliest(handler) {
      const found = earliest.get(handler)?.['due'];
      return typeof found === 'number' ? found : null;
    },
    find(query, after, limit) {
      const { where, values } = conditionsOf(query);
      const sql = `SELECT row FROM tasks WHERE ${where} AND (handler, position) > (?, ?) ORDER BY handler, position LIMIT ?`;
      const found = database.prepare(sql).all(...values, after?.handler ?? '', after?.position ?? -1, limit);
      return found.map((row): TaskRow => jsonIn(row, 'row'));
    },
  } satisfies TaskTable;
}

function conditionsOf({ handler, position, states }: TaskQuery): {
  readonly where: string;
  readonly values: readonly SQLInputValue[];
} {
  const where = ['TRUE'];
  const values: SQLInputValue[] = [];
  if (handler !== undefined) {
    where.push('handler = ?');
    values.push(handler);
  }
  if (position !== undefined) {
    where.push('position = ?');
    values.push(position);
  }
  if (states !== undefined) {
    where.push(`state IN (${states.map(() => '?').join()})`);
    values.push(...states);
  }
  return { where: where.join(' AND '), values };
}

/** SQLite makes one character of all lone surrogates, so that two keys would become one. */
function keyOf(key: string | null): string | null {
  return key === null ? null : escapeText(key);
}

function jsonOf(value: object): string {
  return JSON.stringify(value, (name, part: unknown) => {
    // What JSON would leave out in silence.
    if (typeof part === 'function') throw new TypeError(`"${name}" is a function`);
    return part;
  });
}

/** Only this relay writes the file. */
function jsonIn(row: Row, column: string) {
  return JSON.parse(String(row[column]));
}

function attempt<Result>(tried: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw storageFailure(error, tried);
  }
}
