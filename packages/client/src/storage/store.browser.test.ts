import { storeContract, taskStoreContract, type StoreDevice } from '@godwit/core/contracts';
import type { Store } from '@godwit/core';
import { deleteDB, openDB } from 'idb';
import { worldOf, type Failure } from '@godwit/core';
import { databaseName, handlersName, type Database, type Schema } from './schema.ts';
import { openIdbStore, type IdbStoreOptions } from './store.ts';

const world = worldOf(globalThis);

for (const durability of ['relaxed', 'strict'] as const) {
  storeContract(`in IndexedDB, ${durability}`, () => device({ durability }));
  taskStoreContract(`in IndexedDB, ${durability}`, () => device({ durability }));
}

function device(options: Pick<IdbStoreOptions, 'durability'>): StoreDevice {
  const app = world.id();
  const users = new Set<string>();
  const stores: Store[] = [];
  return {
    async open(user = '') {
      users.add(user);
      const store = await openIdbStore({ ...options, name: databaseName(app, user), world, report: unexpected });
      stores.push(store);
      return store;
    },
    moveReadBack: (channel, offset) =>
      raw(async (database) => {
        await database.put('cursors', { key: `read:${channel}`, v: 1, offset });
      }),
    rejected: () => raw((database) => database.getAllKeys('rejected')),
    async dispose() {
      await Promise.all(stores.map((store) => store.close()));
      const names = [...users].map((user) => databaseName(app, user));
      await Promise.all(names.flatMap((name) => [deleteDB(name), deleteDB(handlersName(name))]));
    },
  };

  async function raw<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
    const database = await openDB<Schema>(databaseName(app, ''));
    try {
      return await work(database);
    } finally {
      database.close();
    }
  }
}

function unexpected(failure: Failure): never {
  throw failure;
}
