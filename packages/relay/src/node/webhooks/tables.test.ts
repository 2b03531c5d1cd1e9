// The law of what durable handlers keep, on the relay's own tables. A log is none of it: that one is a device's, in memory.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryDatabase, openMemoryStore, worldOf, type DeviceStore } from '@godwit/core';
import { taskStoreContract, type TaskDevice } from '@godwit/core/contracts';
import { closable } from '../../webhooks/test/closable.ts';
import { openSqliteLogs } from '../sqlite/logs.ts';
import { prepareWebhooks } from './tables.ts';

taskStoreContract('of the relay’s webhooks', async (): Promise<TaskDevice> => {
  const world = worldOf(globalThis);
  const folder = await mkdtemp(join(tmpdir(), 'godwit-'));
  const users = new Map<string, { readonly open: () => DeviceStore; readonly close: () => Promise<void> }>();
  const make = (user: string) => {
    const logs = openSqliteLogs({ path: join(folder, `${user}.sqlite`), durability: 'os', world });
    const { tasks } = prepareWebhooks(logs.database);
    const database = createMemoryDatabase();
    const open = (): DeviceStore => closable(openMemoryStore(database, world), tasks);
    const its = { open, close: logs.close };
    users.set(user, its);
    return its;
  };
  return {
    open: async (user = 'nobody') => (users.get(user) ?? make(user)).open(),
    async dispose() {
      for (const { close } of users.values()) await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
