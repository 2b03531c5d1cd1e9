// What versions 2 and 3 of the log's database held of durable handlers is taken over into their own, page by page.
import { headOf } from '@godwit/core';
import type { Connection } from './connection.ts';
import type { Schema } from './schema.ts';
import { look, markOf } from './state.ts';
import { taskStores } from './tasks.ts';
import { change, heard, type Durability } from './write.ts';

/** How many rows one transaction takes over: each holds a copy of its event, and all of them need not be in memory. */
const rowsPerPage = 512;

/**
 * Copies what there is. Nobody writes to it any more: a tab of an older release that is still there has no connection to
 * version 4. Tabs that copy at once write the same; once one of them has bound the handlers, and may run some, the others stop.
 */
export async function takeOver(log: Connection, handlers: Connection, durability: Durability): Promise<void> {
  let after: Schema['tasks']['key'] | undefined;
  do {
    const page = await log.run('take the handlers over', async (database) => {
      if (!database.objectStoreNames.contains('tasks')) return undefined;
      const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
      const rows = await look(database, ['tasks'], (old) => old.objectStore('tasks').getAll(range, rowsPerPage));
      if (rows.length === rowsPerPage) return { rows, records: [], position: 0 };
      const [records, newest, trimmed] = await look(database, ['handlers', 'log', 'meta'], (old) =>
        Promise.all([
          old.objectStore('handlers').getAll(),
          old.objectStore('log').openKeyCursor(null, 'prev'),
          old.objectStore('meta').get('trim'),
        ]),
      );
      return { rows, records, position: headOf(newest?.primaryKey, markOf(trimmed)) };
    });
    if (page === undefined) return;
    const isTaken = await handlers.run('take the handlers over', (database) =>
      change(database, [...taskStores, 'meta'], durability, async (transaction) => {
        if ((await heard(transaction.objectStore('meta').get('log'))) !== undefined) return false;
        for (const row of page.rows) void heard(transaction.objectStore('tasks').put(row));
        for (const record of page.records) void heard(transaction.objectStore('handlers').put(record));
        if (page.position > 0) {
          void heard(transaction.objectStore('meta').put({ name: 'reserved', v: 1, position: page.position }));
        }
        return true;
      }),
    );
    if (!isTaken) return;
    const last = page.rows.length < rowsPerPage ? undefined : page.rows.at(-1)?.row;
    after = last === undefined ? undefined : [last.handler, last.position];
  } while (after !== undefined);
}
