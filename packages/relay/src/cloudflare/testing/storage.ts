// A storage with parts that a test replaces, and what it is given to store.
import type { CloudEvent } from '@godwit/core';
import type { LogStorage } from '../tables.ts';

/** An event of alice's. */
export function eventOf(id: string, extra: Partial<CloudEvent> = {}): CloudEvent {
  return { specversion: '1.0', id, source: 'alice', type: 'todo.added', data: { title: id }, ...extra };
}

/** An object's storage, but for what is given. */
export function replace(storage: DurableObjectStorage, changed: Partial<LogStorage>): LogStorage {
  return {
    sql: storage.sql,
    transactionSync: (run) => storage.transactionSync(run),
    sync: () => storage.sync(),
    deleteAll: () => storage.deleteAll(),
    ...changed,
  };
}

/** How many of the log's tables there are. */
export function tablesIn({ sql }: DurableObjectStorage): number {
  const names = sql.exec<{ n: number }>(
    `SELECT count(*) AS n FROM sqlite_schema WHERE name IN ('channel', 'segments')`,
  );
  return names.one().n;
}
