// The handlers' database and the log's belong together: here each learns of the other, and what one has lost is told.
import { Failure, type Position } from '@godwit/core';
import type { Connection } from './connection.ts';
import { known, reservedOf } from './state.ts';
import { takeOver } from './take-over.ts';
import { taskStores } from './tasks.ts';
import { change, heard, type Durability } from './write.ts';

/**
 * Binds the two. Each step leaves something that the next opening goes on from: the handlers' database names its log once it
 * holds all that it is to hold, and only then does the log name it, and forget what was taken over. Answers a position that
 * none in the handlers' database is beyond.
 */
export async function bind(parts: {
  readonly log: Connection;
  readonly handlers: Connection;
  readonly durability: Durability;
  readonly report: (failure: Failure) => void;
}): Promise<Position> {
  const { log, handlers, durability, report } = parts;
  const its = await log.run('read whose the handlers are', async (database) => {
    const record = await known(database, 'handlers');
    return record?.name === 'handlers' ? record.id : undefined;
  });
  if ((await ownLog()) !== log.id) {
    await clearOthers();
    if (its === undefined) await takeOver(log, handlers, durability);
    await handlers.run('bind the handlers', (database) =>
      change(database, ['meta'], durability, (transaction) =>
        heard(transaction.objectStore('meta').put({ name: 'log', v: 1, id: log.id })),
      ),
    );
  }
  if (its !== handlers.id) {
    // Before it is forgotten: a tab that dies here leaves it to the next one to tell.
    if (its !== undefined) {
      report(
        new Failure(
          'StorageFailed',
          'the database of durable handlers was deleted, and how far they were and their tasks are gone; each begins anew, where its definition says',
        ),
      );
    }
    await log.run('bind the handlers', (database) => {
      const names = [...database.objectStoreNames].filter((name) => name !== 'log');
      return change(database, names, durability, async (transaction) => {
        const meta = transaction.objectStore('meta');
        const before = await heard(meta.get('handlers'));
        // Another tab was quicker.
        if (before?.name === 'handlers' && before.id === handlers.id) return;
        void heard(meta.put({ name: 'handlers', v: 1, id: handlers.id }));
        void heard(meta.delete('owed'));
        for (const store of taskStores) if (names.includes(store)) void heard(transaction.objectStore(store).clear());
      });
    });
  }
  return handlers.run('read how far the handlers are', async (database) =>
    reservedOf(await known(database, 'reserved')),
  );

  function ownLog(): Promise<string | undefined> {
    return handlers.run('read whose handlers these are', async (database) => {
      const record = await known(database, 'log');
      return record?.name === 'log' ? record.id : undefined;
    });
  }

  /** What belongs to a log that is gone goes: its cursors are places in that one. */
  async function clearOthers(): Promise<void> {
    const lost = await handlers.run('clear the handlers of a lost log', (database) =>
      change(database, [...taskStores, 'meta'], durability, async (transaction) => {
        const meta = transaction.objectStore('meta');
        const record = await heard(meta.get('log'));
        if (record?.name !== 'log' || record.id === log.id) return 0;
        const rows = await heard(transaction.objectStore('tasks').count());
        const records = await heard(transaction.objectStore('handlers').count());
        for (const store of taskStores) void heard(transaction.objectStore(store).clear());
        for (const name of ['log', 'reserved', 'paid']) void heard(meta.delete(name));
        return rows + records;
      }),
    );
    if (lost === 0) return;
    report(
      new Failure(
        'StorageFailed',
        "the device's log was deleted, and with it goes what durable handlers had kept of it: how far they were, and their tasks",
      ),
    );
  }
}
