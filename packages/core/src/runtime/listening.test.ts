// Who listens to a tab's runtime, and who does not: what nobody hears stays where it is stored, and nothing is lost by that.
import { expect, onTestFinished, test } from 'vitest';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import { createMemoryDevice } from '../memory/tabs.ts';
import type { DeviceStore } from '../ports/tasks.ts';
import { createTestWorld } from '../testing/world.ts';
import { createEngine } from './create-engine.ts';
import { createHandle } from './create-handle.ts';
import type { Delivery, Engine } from './engine.ts';

const events = defineEvents({ 'note.made': payload<{ n: number }>() });

/** One device whose tabs' engines are in another thread: what crosses to the page is looked at, and waits where a test says so. */
function createBorder() {
  const world = createTestWorld();
  const database = createMemoryDatabase();
  const device = createMemoryDevice();
  return {
    world,
    database,
    async tab() {
      const crossed: Delivery[] = [];
      const reads: number[] = [];
      let hold: Promise<void> | undefined;
      const inner = openMemoryStore(database, world);
      const store: DeviceStore = {
        ...inner,
        read(after, limit) {
          reads.push(after);
          return inner.read(after, limit);
        },
      };
      const engine = createEngine({
        store,
        storage: 'memory',
        tabs: device.tab(),
        link: undefined,
        world,
        channels: [['board', 'earliest']],
      });
      const across: Engine = {
        ...engine,
        start: (listener) =>
          engine.start({
            ...listener,
            async deliver(batch) {
              crossed.push(...batch);
              await hold;
              return listener.deliver(batch);
            },
          }),
      };
      const runtime = await createHandle({ engine: across, events, world, channels: ['board'] });
      onTestFinished(() => runtime.close());
      return {
        runtime,
        reads,
        crossed,
        /** What is on its way to the page waits until the answer is called. */
        stop() {
          const { promise, resolve } = Promise.withResolvers<void>();
          hold = promise;
          return resolve;
        },
      };
    },
  };
}

const many = 600;

test('what nobody listens to does not cross to the page, nor is it read from the disk again', async () => {
  const { tab, world } = createBorder();
  const { runtime, crossed, reads } = await tab();
  await world.settle();
  const before = reads.length;
  const receipts = await Promise.all(Array.from({ length: many }, (_, n) => runtime.publish('note.made', { n })));
  await world.advance(1);
  expect(crossed.map(({ kind }) => kind)).toEqual(['passed']);
  expect(reads.length).toBe(before);
  expect(runtime.status.get().counts).toMatchObject({ published: many, delivered: 0, dropped: {} });

  const heard: number[] = [];
  runtime.on('note.made', ({ data, position }) => heard.push(data.n, position ?? 0));
  const { position } = await runtime.publish('note.made', { n: many });
  await world.advance(1);
  expect(heard).toEqual([many, position]);
  expect(position).toBeGreaterThan(receipts.at(-1)?.position ?? Infinity);
  expect(runtime.status.get().counts).toMatchObject({ published: many + 1, delivered: 1, dropped: {} });
});

test('whoever begins to listen while events are being passed over hears each of them, once', async () => {
  const { tab, world } = createBorder();
  const { runtime, crossed, stop } = await tab();
  const arrive = stop();
  await runtime.publish('note.made', { n: 1 });
  await world.advance(1);
  expect(crossed.map(({ kind }) => kind)).toEqual(['passed']);
  const heard: number[] = [];
  runtime.on('note.made', ({ data }) => void heard.push(data.n));
  await runtime.publish('note.made', { n: 2 });
  arrive();
  await world.advance(1);
  expect(heard).toEqual([1, 2]);
});

test('the same with what another tab has published', async () => {
  const { tab, world } = createBorder();
  const [alice, bob] = [await tab(), await tab()];
  const arrive = alice.stop();
  await bob.runtime.publish('note.made', { n: 1 });
  await world.advance(1);
  const heard: number[] = [];
  alice.runtime.on('note.made', ({ data }) => void heard.push(data.n));
  arrive();
  await world.advance(1);
  expect(heard).toEqual([1]);
});

test("own events that are passed over take nothing along of what another tab's stand between them", async () => {
  const { tab, world } = createBorder();
  const [alice, bob] = [await tab(), await tab()];
  const arrive = alice.stop();
  await alice.runtime.publish('note.made', { n: 1 });
  await world.advance(1);
  // Alice's page is slow to answer, and the log grows meanwhile.
  await alice.runtime.publish('note.made', { n: 2 });
  await bob.runtime.publish('note.made', { n: 3 });
  await alice.runtime.publish('note.made', { n: 4 });
  await bob.runtime.publish('note.made', { n: 5 });
  await world.advance(1);
  const again = alice.stop();
  arrive();
  await world.advance(1);
  const heard: number[] = [];
  alice.runtime.on('note.made', ({ data }) => void heard.push(data.n));
  again();
  await world.advance(1);
  expect(heard).toEqual([2, 3, 4, 5]);
});

test('a gap that stands between own events is told, though nobody listens', async () => {
  const { tab, world, database } = createBorder();
  const { runtime, stop } = await tab();
  const arrive = stop();
  await runtime.publish('note.made', { n: 1 });
  await world.advance(1);
  // The page is slow to answer, and the log grows meanwhile.
  await runtime.publish('note.made', { n: 2 });
  const gap = { missed: 3, reason: 'retention' } as const;
  const leader = openMemoryStore(database, world);
  await leader.merge({ channel: 'board', after: 'e.1', last: 'e.4', at: 1, bytes: 0, events: [], gap });
  await runtime.publish('note.made', { n: 3 });
  arrive();
  await world.advance(1);
  expect(runtime.status.get().channels['board']?.gaps).toEqual([gap]);
});

test('a tab that listens no more is spared the events, and one that listens again hears what comes from then on', async () => {
  const { tab, world } = createBorder();
  const { runtime, crossed } = await tab();
  const heard: number[] = [];
  const listen = () => runtime.on('note.made', ({ data }) => void heard.push(data.n));
  const publish = async (n: number) => {
    await runtime.publish('note.made', { n });
    await world.advance(1);
  };
  const stop = listen();
  await publish(1);
  stop();
  await publish(2);
  await publish(3);
  expect(crossed.splice(0).map(({ kind }) => kind)).toEqual(['passed', 'event', 'event', 'passed']);
  listen();
  await publish(4);
  await publish(5);
  expect(crossed.map(({ kind }) => kind)).toEqual(['passed', 'event', 'event']);
  expect(heard).toEqual([1, 4, 5]);
});

test('whoever waits for what comes hears that the device\u2019s log is lost, though no more will come', async () => {
  const { tab, world } = createBorder();
  const [{ runtime: alice }, { runtime: other }] = [await tab(), await tab()];
  const history = alice.events('note.made');
  const next = history.next().catch((error: unknown) => error);
  await world.settle();
  await other.destroy();
  await expect(alice.publish('note.made', { n: 1 })).rejects.toMatchObject({ name: 'Closed' });
  expect(alice.status.get().connection).toBe('closed');
  expect(await next).toMatchObject({ name: 'Closed', message: expect.stringContaining('create another runtime') });
  expect(await history.next()).toEqual({ done: true, value: undefined });
});

test('a history that is read live goes on though no handler listens', async () => {
  const { tab, world } = createBorder();
  const [alice, bob] = [await tab(), await tab()];
  const read: number[] = [];
  const history = alice.runtime.events('note.made');
  const reading = (async () => {
    for await (const { data } of history) read.push(data.n);
  })();
  await world.advance(1);
  await alice.runtime.publish('note.made', { n: 1 });
  await bob.runtime.publish('note.made', { n: 2 });
  await world.advance(1);
  expect(read).toEqual([1, 2]);
  await history.return();
  await reading;
});
