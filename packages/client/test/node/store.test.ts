import { storeContract, taskStoreContract } from '@godwit/core/contracts';
import { sqliteDevice } from './device.ts';

for (const durability of ['fsync', 'os'] as const) {
  storeContract(`in SQLite on Node, ${durability}`, () => sqliteDevice(durability));
  taskStoreContract(`in SQLite on Node, ${durability}`, () => sqliteDevice(durability));
}
