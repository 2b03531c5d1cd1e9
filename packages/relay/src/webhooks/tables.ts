// What is kept of webhooks, in SQL: what was registered, how far each is, and a row for each event that is to be tried again.
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
import type { WebhookRecord, WebhookTable } from './types.ts';

/** What a statement is given. */
export type SqlValue = string | number | null;

/** A database of SQLite, as its platform has it. Whatever it throws is a `Failure` that says what was tried. */
export interface Sql {
  /** Runs a statement, and answers its rows. */
  run(text: string, ...values: readonly SqlValue[]): readonly Row[];
  /** Runs work as one transaction, all of it or nothing, and answers once it is kept. */
  transact<Result>(tried: string, work: () => Result): Promise<Result>;
}

/** A row, by its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** What is kept of webhooks. */
export interface WebhookTables {
  readonly table: WebhookTable;
  readonly rows: TaskTable;
  readonly tasks: TaskStore;
}

/** The tables. `at` and `due` may have fractions. */
export const webhookSchema = `
  CREATE TABLE webhooks (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE handlers (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE tasks (
    handler TEXT NOT NULL, position INTEGER NOT NULL, state TEXT NOT NULL, key TEXT, at NUMERIC NOT NULL, due NUMERIC NOT NULL,
    row TEXT NOT NULL, PRIMARY KEY (handler, position)
  ) WITHOUT ROWID;
  CREATE INDEX tasks_due ON tasks (handler, due) WHERE state = 'waiting';
`;

/** Webhooks in a database that has the tables. */
export function webhookTablesIn(sql: Sql): WebhookTables {
  const rows = rowsIn(sql);
  return {
    table: {
      all: () => sql.run('SELECT record FROM webhooks ORDER BY id').map((row): WebhookRecord => jsonIn(row, 'record')),
      put(record) {
        sql.run('INSERT OR REPLACE INTO webhooks (id, record) VALUES (?, ?)', record.id, jsonOf(record));
      },
      remove: (id) => void sql.run('DELETE FROM webhooks WHERE id = ?', id),
    },
    rows,
    tasks: taskStoreOf(
      (what, work) => sql.transact(`cannot ${what}`, () => doNow(work(rows))),
      async (_, work) => doNow(work(rows)),
    ),
  };
}

function rowsIn({ run }: Sql): TaskTable {
  const write = (row: TaskRow): void => {
    const { handler, position, state, key, at, delayMs } = row;
    run(
      'INSERT OR REPLACE INTO tasks (handler, position, state, key, at, due, row) VALUES (?, ?, ?, ?, ?, ?, ?)',
      handler,
      position,
      state,
      keyOf(key),
      at,
      at + delayMs,
      jsonOf(row),
    );
  };

  return {
    record(handler) {
      const [found] = run('SELECT record FROM handlers WHERE name = ?', handler);
      return found === undefined ? undefined : jsonIn(found, 'record');
    },
    records: () => run('SELECT record FROM handlers ORDER BY name').map((row): HandlerRecord => jsonIn(row, 'record')),
    putRecord(next) {
      run('INSERT OR REPLACE INTO handlers (name, record) VALUES (?, ?)', next.name, jsonOf(next));
    },
    states(handler, positions) {
      const found = run(
        'SELECT position, state FROM tasks WHERE handler = ? AND position IN (SELECT value FROM json_each(?))',
        handler,
        JSON.stringify(positions),
      );
      const states = new Map(found.map(({ position, state }) => [Number(position), String(state) as TaskState]));
      return positions.map((position) => states.get(position));
    },
    putRow: write,
    turnRow: write,
    removeRows(handler, positions) {
      run(
        'DELETE FROM tasks WHERE handler = ? AND position IN (SELECT value FROM json_each(?))',
        handler,
        JSON.stringify(positions),
      );
    },
    removeHandler(handler) {
      run('DELETE FROM handlers WHERE name = ?', handler);
      run('DELETE FROM tasks WHERE handler = ?', handler);
    },
    // Deliveries have no keys; the law is kept all the same.
    live: (handler, key) =>
      rowsOf(
        run(
          `SELECT row FROM tasks WHERE handler = ? AND key = ? AND state IN ('waiting', 'blocked', 'running')
            ORDER BY state = 'blocked', position LIMIT 2`,
          handler,
          keyOf(key),
        ),
      ),
    due: (handler, at, limit) =>
      rowsOf(
        run(
          `SELECT row FROM tasks WHERE handler = ?1 AND state = 'waiting' AND (due <= ?2 OR at > ?2)
            ORDER BY due > ?2, CASE WHEN due <= ?2 THEN due ELSE at END, position LIMIT ?3`,
          handler,
          at,
          limit,
        ),
      ),
    earliest(handler) {
      const [found] = run("SELECT min(due) AS due FROM tasks WHERE handler = ? AND state = 'waiting'", handler);
      const due = found?.['due'];
      return typeof due === 'number' ? due : null;
    },
    find(query, after, limit) {
      const { where, values } = conditionsOf(query);
      return rowsOf(
        run(
          `SELECT row FROM tasks WHERE ${where} AND (handler, position) > (?, ?) ORDER BY handler, position LIMIT ?`,
          ...values,
          after?.handler ?? '',
          after?.position ?? -1,
          limit,
        ),
      );
    },
  } satisfies TaskTable;
}

function conditionsOf({ handler, position, states }: TaskQuery): {
  readonly where: string;
  readonly values: readonly SqlValue[];
} {
  const where = ['TRUE'];
  const values: SqlValue[] = [];
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

function rowsOf(found: readonly Row[]): readonly TaskRow[] {
  return found.map((row): TaskRow => jsonIn(row, 'row'));
}

/** Only this relay writes the database. */
function jsonIn(row: Row, column: string) {
  return JSON.parse(String(row[column]));
}
