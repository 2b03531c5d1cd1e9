import { expect, test } from 'vitest';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import { createMemoryDevice } from '../memory/tabs.ts';
import type { DeviceStore } from '../ports/tasks.ts';
import { gather } from '../testing/waiting.ts';
import { flowEvents } from '../testing/flow/events.ts';
import { createTestWorld } from '../testing/world.ts';
import { createEngine } from './create-engine.ts';
import { createHandle } from './create-handle.ts';

const hourMs = 3_600_000;

async function open() {
  const world = createTestWorld();
  const [database, device] = [createMemoryDatabase(), createMemoryDevice()];
  const tab = async (its: (store: DeviceStore) => DeviceStore = (same) => same) => {
    const engine = createEngine({
      store: its(openMemoryStore(database, world)),
      storage: 'memory',
      tabs: device.tab(),
      link: undefined,
      world,
      channels: [['board', 'earliest']],
      retention: { eventsMax: 100 },
    });
    return createHandle({ engine, events: flowEvents, world, channels: ['board'], report: () => undefined });
  };
  return { world, database, tab };
}

test('a log that grows beyond its bounds is trimmed, counted, and never what is younger than an hour', async () => {
  const { world, database, tab } = await open();
  const alice = await tab();
  for (let n = 0; n < 300; n += 1) await alice.publish('todo.done', { n });
  await world.settle();
  expect([database.contents.log.length, alice.status.get().trimmed]).toEqual([300, 0]);
  await world.advance(2 * hourMs);
  for (let n = 0; n < 256; n += 1) await alice.publish('todo.done', { n });
  await world.settle();
  expect(alice.status.get().trimmed).toBe(300);
  expect(database.contents.log.length).toBe(256);
});

test('a durable handler that lags holds what it has not handled, until no tab has defined it for seven days', async () => {
  const { world, database, tab } = await open();
  const alice = await tab();
  alice.tasks.pause();
  alice.handle('todo.done', 'slow', () => undefined);
  await world.settle();
  for (let n = 0; n < 300; n += 1) await alice.publish('todo.done', { n });
  await world.advance(2 * hourMs);
  for (let n = 0; n < 256; n += 1) await alice.publish('todo.done', { n });
  await world.settle();
  expect(database.contents.log.length).toBe(556);
  await alice.close();
  await world.advance(8 * 24 * hourMs);
  const bob = await tab();
  for (let n = 0; n < 256; n += 1) await bob.publish('todo.done', { n });
  await world.settle();
  expect(bob.status.get().trimmed).toBe(556);
  expect(await bob.tasks.handlers()).toMatchObject([
    { name: 'slow', totals: { passed: 556, handled: 0, dropped: { retention: 556 } } },
  ]);
});

test('a tab that lay still while what it had not read was trimmed is told that it missed something', async () => {
  const { world, database, tab } = await open();
  const alice = await tab();
  const thawed = Promise.withResolvers<void>();
  let isFrozen = false;
  const bob = await tab((store) => ({
    ...store,
    async read(after, limit) {
      if (isFrozen) await thawed.promise;
      return store.read(after, limit);
    },
  }));
  const gaps = gather<unknown>();
  const numbers: number[] = [];
  bob.on('todo.done', ({ data }) => void numbers.push(data.n), { onGap: gaps.add });
  await world.settle();
  isFrozen = true;
  for (let n = 0; n < 300; n += 1) await alice.publish('todo.done', { n });
  await world.advance(2 * hourMs);
  for (let n = 300; n < 556; n += 1) await alice.publish('todo.done', { n });
  await world.settle();
  expect(database.contents.log.length).toBe(256);
  isFrozen = false;
  thawed.resolve();
  await world.settle();
  expect(gaps.items).toEqual([{ channel: 'board', missed: null, reason: 'retention' }]);
  expect(numbers).toEqual(Array.from({ length: 256 }, (_, n) => 300 + n));
});

test('a handler that is paused for weeks in a tab that lives holds what it has not handled', async () => {
  const { world, database, tab } = await open();
  const alice = await tab();
  const handled: number[] = [];
  alice.tasks.pause();
  alice.handle('todo.done', 'slow', ({ data }) => void handled.push(data.n));
  await world.settle();
  for (let n = 0; n < 300; n += 1) await alice.publish('todo.done', { n });
  for (let day = 0; day < 21; day += 1) {
    await world.advance(24 * hourMs);
    await alice.publish('todo.done', { n: 300 + day });
    await world.settle();
  }
  for (let n = 321; n < 600; n += 1) await alice.publish('todo.done', { n });
  await world.settle();
  expect(database.contents.log.length).toBe(600);
  alice.tasks.resume();
  await world.advance(1000);
  expect(handled.length).toBe(600);
});
