// The law of what durable handlers keep, on the tables of an object, inside workerd.
import { createMemoryDatabase, openMemoryStore, type DeviceStore, type TaskStore } from '@godwit/core';
import { taskStoreContract, type TaskDevice } from '@godwit/core/contracts';
import { expect, test } from 'vitest';
import { closable } from '../../webhooks/test/closable.ts';
import { newObject } from '../testing/objects.ts';
import { createWorkersWorld } from '../world.ts';
import { openWebhooks } from './tables.ts';

taskStoreContract('of an object’s webhooks', async (): Promise<TaskDevice> => {
  const world = createWorkersWorld();
  const users = new Map<string, Promise<() => DeviceStore>>();
  const make = async (user: string): Promise<() => DeviceStore> => {
    const object = newObject();
    let last: Promise<unknown> = Promise.resolve();
    // In turn: what enters an object one after the other may overtake each other on the way.
    const inside: typeof object.inside = (run) => {
      const turn = last.then(() => object.inside(run));
      last = turn.catch(() => undefined);
      return turn;
    };
    const { tasks } = await inside((storage) => {
      const tables = openWebhooks(storage);
      // The tables come with the first webhook.
      tables.table.put({ ...webhook, id: user });
      return tables;
    });
    // Nobody but the object itself may touch its storage.
    const own: TaskStore = {
      handlers: () => inside(() => tasks.handlers()),
      lease: (request) => inside(() => tasks.lease(request)),
      advance: (step) => inside(() => tasks.advance(step)),
      tasks: (query, page) => inside(() => tasks.tasks(query, page)),
      change: (query, change, page) => inside(() => tasks.change(query, change, page)),
      cancelAhead: (row) => inside(() => tasks.cancelAhead(row)),
      forget: (handler) => inside(() => tasks.forget(handler)),
    };
    const database = createMemoryDatabase();
    return () => closable(openMemoryStore(database, world), own);
  };
  return {
    async open(user = 'nobody') {
      const made = users.get(user) ?? make(user);
      users.set(user, made);
      return (await made)();
    },
    dispose: async () => undefined,
  };
});

test('an object without webhooks stores nothing of them, and makes its tables anew where they were erased', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const { table } = openWebhooks(storage);
    expect(table.all()).toEqual([]);
    expect(storage.sql.exec("SELECT 1 FROM sqlite_schema WHERE name = 'webhooks'").toArray()).toEqual([]);
    table.put(webhook);
    table.put({ ...webhook, url: 'https://other.example/hook' });
    expect(table.all()).toEqual([{ ...webhook, url: 'https://other.example/hook' }]);
    await storage.deleteAll();
    expect(table.all()).toEqual([]);
    table.put(webhook);
    expect(openWebhooks(storage).table.all()).toEqual([webhook]);
    table.remove(webhook.id);
    expect(table.all()).toEqual([]);
  });
});

const webhook = {
  id: 'whk_1',
  channel: 'room',
  url: 'https://receiver.example/hook',
  types: [],
  secret: 'whsec_',
  previous: null,
  state: 'active',
  createdAt: 0,
  epoch: 'e',
  generation: 0,
  start: 0,
  missed: 0,
} as const;
