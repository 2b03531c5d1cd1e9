import { createTestWorld } from '../testing/world.ts';
import { storeContract, type StoreDevice } from '../testing/store-contract.ts';
import { taskStoreContract } from '../testing/task-store-contract.ts';
import { createMemoryDatabase, openMemoryStore, type MemoryDatabase } from './store.ts';

storeContract('in memory', device);
taskStoreContract('in memory', device);

function device(): StoreDevice {
  const world = createTestWorld();
  const databases = new Map<string, MemoryDatabase>();
  const databaseOf = (user = 'nobody'): MemoryDatabase => {
    const database = databases.get(user) ?? createMemoryDatabase();
    databases.set(user, database);
    return database;
  };
  return {
    open: async (user) => openMemoryStore(databaseOf(user), world),
    async moveReadBack(channel, offset) {
      const cursors = databaseOf().contents.cursors.get(channel);
      if (cursors === undefined) throw new Error(`"${channel}" has no cursors`);
      cursors.read = offset;
    },
    rejected: async () => [...databaseOf().contents.rejected.keys()],
    dispose: async () => databases.clear(),
  };
}
