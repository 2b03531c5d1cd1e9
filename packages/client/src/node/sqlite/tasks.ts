// Durable handlers in SQLite: a record each, and a row for each exception.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { HandlerRecord, TaskKey, TaskQuery, TaskRow, TaskState, TaskTable } from '@godwit/core';
import type { Row } from './segment.ts';
import { fromKey, textOf, toJson, toKey } from './text.ts';

const columns = 'handler, position, state, key, attempts, at, delay, due, channel, "offset", failure, event';
/** As the index of a key's live rows has it, or SQLite would not use it. */
const isLive = "state IN ('waiting', 'blocked', 'running')";

/** Prepares the statements. */
export function prepareTasks(database: DatabaseSync): TaskTable {
  const record = database.prepare('SELECT record FROM handlers WHERE name = ?');
  const records = database.prepare('SELECT record FROM handlers ORDER BY name');
  const putRecord = database.prepare('INSERT OR REPLACE INTO handlers (name, record) VALUES (?, ?)');
  const removeRecord = database.prepare('DELETE FROM handlers WHERE name = ?');
  const statesAt = database.prepare(
    'SELECT position, state FROM tasks WHERE handler = ? AND position IN (SELECT value FROM json_each(?))',
  );
  const putRow = database.prepare(
    `INSERT OR REPLACE INTO tasks (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  // Neither the event nor the failure is made JSON again.
  const turnRow = database.prepare(
    'UPDATE tasks SET state = ?, attempts = ?, at = ?, delay = ?, due = ? WHERE handler = ? AND position = ?',
  );
  const removeAt = database.prepare(
    'DELETE FROM tasks WHERE handler = ? AND position IN (SELECT value FROM json_each(?))',
  );
  const removeRows = database.prepare('DELETE FROM tasks WHERE handler = ?');
  const live = database.prepare(
    `SELECT ${columns} FROM tasks WHERE handler = ? AND key = ? AND ${isLive} ORDER BY state = 'blocked', position LIMIT 2`,
  );
  const due = database.prepare(
    `SELECT ${columns} FROM tasks WHERE handler = ? AND state = 'waiting' AND due <= ? ORDER BY due, position LIMIT ?`,
  );
  const early = database.prepare(
    `SELECT ${columns} FROM tasks WHERE handler = ? AND state = 'waiting' AND at > ? ORDER BY at, position LIMIT ?`,
  );
  const earliest = database.prepare(
    "SELECT due FROM tasks WHERE handler = ? AND state = 'waiting' ORDER BY due LIMIT 1",
  );
  const find = prepareFind(database);

  return {
    record: (handler) => recordOf(record.get(toKey(handler))),
    records: () => records.all().flatMap((found) => recordOf(found) ?? []),
    putRecord: (next) => putRecord.run(toKey(next.name), toJson(next)),
    states(handler, positions) {
      const found = statesAt.all(toKey(handler), JSON.stringify(positions));
      const states = new Map(found.map(({ position, state }) => [Number(position), stateOf(state)]));
      return positions.map((position) => states.get(position));
    },
    putRow: (next) => putRow.run(...valuesOf(next)),
    turnRow: ({ handler, position, state, attempts, at, delayMs }) =>
      turnRow.run(state, attempts, at, delayMs, at + delayMs, toKey(handler), position),
    removeRows(handler, positions) {
      removeAt.run(toKey(handler), JSON.stringify(positions));
    },
    removeHandler(handler) {
      removeRecord.run(toKey(handler));
      removeRows.run(toKey(handler));
    },
    live: (handler, key) => live.all(toKey(handler), toKey(key)).map(rowOf),
    due(handler, at, limit) {
      const rows = due.all(toKey(handler), at, limit);
      const left = limit - rows.length;
      return [...rows, ...(left === 0 ? [] : early.all(toKey(handler), at, left))].map(rowOf);
    },
    earliest(handler) {
      const found = earliest.get(toKey(handler));
      return found === undefined ? null : Number(found['due']);
    },
    find: (query, after, limit) => find(query, after, limit).map(rowOf),
  } satisfies TaskTable;
}

/** One statement for each set of conditions that was ever asked for; there are few. */
function prepareFind(
  database: DatabaseSync,
): (query: TaskQuery, after: TaskKey | undefined, limit: number) => readonly Row[] {
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  return ({ handler, position, states }, after, limit) => {
    const conditions: string[] = ['TRUE'];
    const values: SQLInputValue[] = [];
    const ask = (condition: string, ...its: readonly SQLInputValue[]): void => {
      conditions.push(condition);
      values.push(...its);
    };
    if (handler !== undefined) ask('handler = ?', toKey(handler));
    if (position !== undefined) ask('position = ?', position);
    if (states !== undefined) ask(`state IN (${states.map(() => '?').join()})`, ...states);
    // Within one handler said so that the table is searched, and not read from the handler's first row on.
    if (after !== undefined && after.handler === handler) ask('position > ?', after.position);
    else if (after !== undefined) ask('(handler, position) > (?, ?)', toKey(after.handler), after.position);
    const sql = `SELECT ${columns} FROM tasks WHERE ${conditions.join(' AND ')} ORDER BY handler, position LIMIT ?`;
    const statement = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, statement);
    return statement.all(...values, limit);
  };
}

function valuesOf(row: TaskRow): readonly SQLInputValue[] {
  const { handler, position, state, key, attempts, at, delayMs, channel, offset, failure, event } = row;
  return [
    toKey(handler),
    position,
    state,
    key === null ? null : toKey(key),
    attempts,
    at,
    delayMs,
    at + delayMs,
    toKey(channel),
    offset === null ? null : toKey(offset),
    failure === null ? null : toJson(failure),
    toJson(event),
  ];
}

/** Only this release and those before it have written the file. */
function stateOf(column: unknown): TaskState {
  return String(column) as TaskState;
}

function rowOf({ handler, position, state, key, attempts, at, delay, channel, offset, failure, event }: Row): TaskRow {
  return {
    handler: fromKey(handler),
    position: Number(position),
    state: stateOf(state),
    channel: fromKey(channel),
    event: JSON.parse(textOf(event)),
    offset: offset === null ? null : fromKey(offset),
    attempts: Number(attempts),
    key: key === null ? null : fromKey(key),
    at: Number(at),
    delayMs: Number(delay),
    failure: failure === null ? null : JSON.parse(textOf(failure)),
  };
}

function recordOf(row: Row | undefined): HandlerRecord | undefined {
  return row === undefined ? undefined : JSON.parse(textOf(row['record']));
}
