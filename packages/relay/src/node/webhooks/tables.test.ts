// The law of what durable handlers keep, on the relay's own tables. A log is none of it: that one is a device's, in memory.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createMemoryDatabase,
  openMemoryStore,
  worldOf,
  type DeviceStore,
  type Store,
  type TaskStore,
} from '@godwit/core';
import { taskStoreContract, type TaskDevice } from '@godwit/core/testing';
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

/** A device's store closes; a relay's tables end with the relay. What is asked of a closed log says so, and nothing is done. */
function closable(log: Store, tasks: TaskStore): DeviceStore {
  const check = (): Promise<unknown> => log.state();
  return {
    ...log,
    handlers: () => check().then(tasks.handlers),
    lease: (request) => check().then(() => tasks.lease(request)),
    advance: (step) => check().then(() => tasks.advance(step)),
    tasks: (query, page) => check().then(() => tasks.tasks(query, page)),
    change: (query, change, page) => check().then(() => tasks.change(query, change, page)),
    cancelAhead: (row) => check().then(() => tasks.cancelAhead(row)),
    forget: (handler) => check().then(() => tasks.forget(handler)),
    async destroy() {
      for (const { name } of await tasks.handlers()) {
        const record = await tasks.lease({ handler: name, tab: 'nobody', at: 0 });
        if (record?.owner !== null && record !== null) await release(tasks, record.name, record.term);
        await tasks.forget(name);
      }
      await log.destroy();
    },
  };
}

async function release(tasks: TaskStore, handler: string, term: number): Promise<void> {
  const none = { put: [], remove: [], unblock: [], queue: [], ended: [], claim: 0 };
  const totals = { passed: 0, handled: 0, failed: 0, dropped: {} };
  await tasks.advance({ handler, term, at: 0, cursor: 0, claimed: 0, ...none, totals, release: true });
}
