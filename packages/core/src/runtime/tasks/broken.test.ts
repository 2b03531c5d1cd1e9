import { expect, test } from 'vitest';
import { NonRetriableError } from '../../durable/errors.ts';
import { Failure } from '../../failure.ts';
import type { CloudEvent } from '../../event/cloudevent.ts';
import { ownEventsOf } from '../../memory/segment.ts';
import { createDevice, orders } from './test/device.ts';

test('what answers like a promise and throws is a failure, and the handler goes on', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const handled: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data }) => {
      handled.push(data.n);
      if (data.n > 1) return undefined;
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- what is tested
        then() {
          throw new Error('no promise after all');
        },
      };
    },
    { maxErrors: 1, timeoutMs: 1000 },
  );
  await world.settle();
  for (const n of [1, 2]) await shop.publish('order.placed', { n });
  await world.advance(10);
  expect(handled).toEqual([1, 2]);
  expect(await shop.tasks.list({ states: ['dead'] })).toMatchObject({
    tasks: [{ failure: { message: expect.stringContaining('no promise after all') } }],
  });
  expect(world.timers).toBe(0);
});

const revoked = Proxy.revocable({}, {});
revoked.revoke();

test.each([
  ['an error whose message is a symbol', Object.assign(new Error('hidden'), { message: Symbol('odd') })],
  ['an error whose stack is a function', Object.assign(new Error('odd'), { stack: () => undefined })],
  [
    'an error whose name and message throw',
    Object.defineProperties(new Error('odd'), {
      name: {
        get() {
          throw new Error('no name');
        },
      },
      message: {
        get() {
          throw new Error('no message');
        },
      },
    }),
  ],
  ['what nobody may look at', revoked.proxy],
])('%s is a dead letter that can be stored and shown, and the handler goes on', async (_, thrown) => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const handled: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data }) => {
      handled.push(data.n);
      if (data.n === 1) throw thrown;
    },
    { maxErrors: 1 },
  );
  await world.settle();
  for (const n of [1, 2]) await shop.publish('order.placed', { n });
  await world.advance(10);
  expect(handled).toEqual([1, 2]);
  const { tasks } = await shop.tasks.list({ states: ['dead'] });
  expect(tasks).toMatchObject([{ failure: { name: 'HandlerFailed' } }]);
  const failure = tasks[0]?.failure;
  expect(JSON.parse(JSON.stringify(failure))).toEqual(failure);
});

test('of a failure of megabytes a row keeps the beginning', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  shop.handle(
    'order.placed',
    'ship',
    () => {
      throw new Error('no '.repeat(1_000_000));
    },
    { maxErrors: 1 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  const { tasks } = await shop.tasks.list({ states: ['dead'] });
  expect(tasks).toMatchObject([{ failure: { message: expect.stringContaining('no no no') } }]);
  expect(JSON.stringify(tasks[0]?.failure).length).toBeLessThan(20_000);
});

test.each([
  { baseMs: Infinity, capMs: Infinity },
  { baseMs: 1e308, capMs: Infinity },
])('a backoff without an end is bounded: %o', async (backoff) => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const handled: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data }) => {
      handled.push(data.n);
      if (data.n === 1) throw new Error('busy');
    },
    { backoff },
  );
  await world.settle();
  for (const n of [1, 2]) await shop.publish('order.placed', { n });
  await world.advance(10_000);
  expect(handled).toEqual([1, 2]);
  expect(await shop.tasks.retry({ handler: 'ship' })).toBe(1);
});

test('a log that cannot be read for a while costs no attempt of what runs', async () => {
  const device = createDevice();
  const { world } = device;
  let isBroken = false;
  const shop = await device.tab({
    store: (store) => ({
      ...store,
      async read(after, limit) {
        if (isBroken) throw new Failure('StorageFailed', 'could not read the log');
        return store.read(after, limit);
      },
    }),
  });
  const end = Promise.withResolvers<void>();
  const seen: string[] = [];
  shop.handle(
    'order.placed',
    'charge',
    ({ data }, { signal, attempt }) => {
      seen.push(`${data.n}/${attempt}`);
      signal.addEventListener('abort', () => seen.push('aborted'));
      return data.n === 1 ? end.promise : undefined;
    },
    { maxErrors: 1, concurrency: 2 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  isBroken = true;
  await shop.publish('order.placed', { n: 2 });
  await world.advance(60_000);
  expect(seen).toEqual(['1/1']);
  isBroken = false;
  await world.advance(60_000);
  end.resolve();
  await world.advance(60_000);
  expect(seen).toEqual(['1/1', '2/1']);
  expect(await shop.tasks.handlers()).toMatchObject([{ totals: { passed: 2, handled: 2, failed: 0 } }]);
});

test.each(['Outdated', 'Closed'] as const)(
  'a device whose log is lost to this tab as %s aborts what its handlers do',
  async (name) => {
    const device = createDevice();
    const { world } = device;
    let isLost = false;
    const shop = await device.tab({
      store: (store) => ({
        ...store,
        async advance(step) {
          if (isLost) throw new Failure(name, 'a newer release has taken the database');
          return store.advance(step);
        },
      }),
    });
    const reasons: unknown[] = [];
    shop.handle('order.placed', 'charge', (_, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      return new Promise(() => undefined);
    });
    await world.settle();
    await shop.publish('order.placed', { n: 1 });
    await world.settle();
    isLost = true;
    await world.advance(10_000);
    expect(reasons).toMatchObject([{ name: 'Fenced' }]);
    // Nobody has shut it down, and it can neither be shut down, nor begin anything.
    const lost = { name: 'Closed', message: "the device's log is lost to this tab; create another runtime" };
    await expect(shop.tasks.shutdown()).rejects.toMatchObject(lost);
    expect(() => shop.tasks.start()).toThrow(expect.objectContaining(lost));
    expect(() => shop.handle('order.placed', 'late', () => undefined)).toThrow(expect.objectContaining(lost));
    let isClosed = false;
    void shop.close().then(() => (isClosed = true));
    await world.advance(60_000);
    expect(isClosed).toBe(true);
  },
);

test('a handler whose lease was lost during a hook is not begun', async () => {
  const device = createDevice();
  const { world } = device;
  const hook = Promise.withResolvers<CloudEvent>();
  const shop = await device.tab({ tasks: { hooks: { beforeProcessing: () => hook.promise } } });
  const handled: number[] = [];
  const stop = shop.handle('order.placed', 'ship', ({ data }) => void handled.push(data.n));
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  const [segment] = device.database.contents.log;
  if (segment === undefined) throw new Error('nothing was published');
  stop();
  await world.advance(5000);
  for (const { event } of ownEventsOf(segment, 0)) hook.resolve(event);
  await world.advance(5000);
  expect(handled).toEqual([]);
});

test('a hook that never settles is part of the attempt: the time runs out for both', async () => {
  const { tab, world } = createDevice();
  let hooked = 0;
  const shop = await tab({
    tasks: {
      hooks: {
        beforeExecuting() {
          hooked += 1;
          return hooked === 1 ? new Promise(() => undefined) : undefined;
        },
      },
    },
  });
  const handled: string[] = [];
  shop.handle('order.placed', 'ship', ({ data }, { attempt }) => void handled.push(`${data.n}/${attempt}`), {
    timeoutMs: 1000,
    backoff: () => 100,
  });
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.advance(2000);
  expect(handled).toEqual(['1/2']);
});

test('while the handlers are paused, what was claimed and not begun is not begun', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const begun: string[] = [];
  const ends = [1, 2, 3].map(() => Promise.withResolvers<void>());
  shop.handle('order.placed', 'ship', ({ data }, { attempt }) => {
    begun.push(`${data.n}/${attempt}`);
    return ends[data.n]?.promise;
  });
  await world.settle();
  for (const n of [0, 1, 2]) await shop.publish('order.placed', { n });
  await world.settle();
  expect(begun).toEqual(['0/1']);
  shop.tasks.pause();
  ends[0]?.resolve();
  await world.advance(60_000);
  expect(begun).toEqual(['0/1']);
  expect(world.timers).toBe(0);
  shop.tasks.resume();
  for (const { resolve } of ends) resolve();
  await world.advance(1000);
  expect(begun).toEqual(['0/1', '1/1', '2/1']);
  expect(await shop.tasks.handlers()).toMatchObject([{ totals: { passed: 3, handled: 3, failed: 0 } }]);
});

test('cancelling an event that its handler does not want leaves the counts as they were', async () => {
  const device = createDevice();
  const { world } = device;
  const shop = (await device.open(orders)).runtime;
  shop.handle('order.placed', 'ship', () => undefined);
  await world.settle();
  shop.tasks.pause();
  await world.settle();
  const { position } = await shop.publish('order.paid', { n: 1 });
  if (position === null) throw new Error('it was not stored');
  await shop.publish('order.placed', { n: 2 });
  await shop.tasks.cancel({ handler: 'ship', position });
  shop.tasks.resume();
  await world.advance(1000);
  const [handler] = await shop.tasks.handlers();
  const { passed, handled, dropped } = handler?.totals ?? { passed: 0, handled: 0, dropped: {} };
  const gone = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  expect({ handled, rest: passed - handled - gone, cancelled: handler?.rows.cancelled }).toEqual({
    handled: 1,
    rest: 0,
    cancelled: 0,
  });
});

test('a living tab that has nothing to do keeps its lease, however much is published that its handler does not want', async () => {
  const { tab, world } = createDevice();
  const [one, two] = [await tab(), await tab()];
  for (const shop of [one, two]) {
    shop.handle('order.placed', 'ship', () => undefined);
    await world.settle();
  }
  for (let n = 0; n < 900; n += 1) await one.publish('order.paid', { n });
  await world.advance(60_000);
  expect([one.status.get().handlers['ship']?.isHere, two.status.get().handlers['ship']?.isHere]).toEqual([true, false]);
  expect(world.timers).toBe(0);
});

test('a task that never ends is overtaken by thousands, and what is stored of its handler stays small', async () => {
  const { tab, world } = createDevice();
  let most = 0;
  const end = Promise.withResolvers<void>();
  const shop = await tab({
    store: (store) => ({
      ...store,
      async advance(step) {
        most = Math.max(most, step.ended.length);
        return store.advance(step);
      },
    }),
  });
  shop.handle('order.placed', 'ship', ({ data }) => (data.n === 0 ? end.promise : undefined), { concurrency: 2 });
  await world.settle();
  for (let burst = 0; burst < 20; burst += 1) {
    await Promise.all(Array.from({ length: 500 }, (_, n) => shop.publish('order.placed', { n: burst * 500 + n })));
    await world.advance(10);
  }
  expect(await shop.tasks.handlers()).toMatchObject([{ rows: { running: 1 }, totals: { handled: 9999 } }]);
  expect(most).toBeLessThan(2048);
  end.resolve();
  await world.advance(10);
  expect(await shop.tasks.handlers()).toMatchObject([
    { rows: { running: 0 }, totals: { passed: 10_000, handled: 10_000 } },
  ]);
});

test.each([0, -1, 1.5, Infinity, Number.NaN])('a page of %d tasks is refused by name', async (limit) => {
  const { tab } = createDevice();
  const shop = await tab();
  await expect(shop.tasks.list({}, { limit })).rejects.toMatchObject({
    name: 'InvalidOptions',
    message: expect.stringContaining(`got ${limit}`),
  });
});

test('an error that says that trying again is no use says so under another name, too', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  shop.handle('order.placed', 'charge', () => {
    throw Object.assign(new NonRetriableError('no funds'), { name: 'CardDeclined' });
  });
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  expect(await shop.tasks.list({ states: ['dead'] })).toMatchObject({ tasks: [{ attempts: 1 }] });
});
