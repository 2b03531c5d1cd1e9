import { expect, test } from 'vitest';
import { leaseMs } from '../../durable/lease.ts';
import type { World } from '../../ports/world.ts';
import { createDevice, orders } from './test/device.ts';

const never = (): Promise<never> => new Promise(() => undefined);

test('where workers are scarce, the handler with the lower priority goes first, then the oldest event', async () => {
  const { tab, world } = createDevice();
  const shop = await tab({ tasks: { workers: 1 } });
  const calls: string[] = [];
  const note =
    (name: string) =>
    async ({ data }: { readonly data: { readonly n: number } }): Promise<void> => {
      calls.push(`${name} ${data.n}`);
      await new Promise<void>((resolve) => void world.after(10, resolve));
    };
  shop.handle('order.placed', 'usual', note('usual'));
  shop.handle('order.placed', 'urgent', note('urgent'), { priority: 10 });
  shop.handle('order.placed', 'usual too', note('usual too'));
  await world.settle();
  await Promise.all([1, 2].map((n) => shop.publish('order.placed', { n })));
  await world.advance(1000);
  // Whoever came first to the one worker had begun before there was a choice.
  expect(calls.slice(1).toSorted()).toEqual(
    ['urgent 1', 'urgent 2', 'usual 1', 'usual 2', 'usual too 1', 'usual too 2']
      .filter((call) => call !== calls[0])
      .toSorted(),
  );
  const place = (call: string): number => calls.indexOf(call);
  expect(place('urgent 1')).toBeLessThanOrEqual(1);
  expect(place('urgent 2')).toBeLessThanOrEqual(2);
  expect(place('usual 1')).toBeLessThan(place('usual 2'));
});

test('no more run at once than there are workers, nor than the handler allows', async () => {
  const { tab, world } = createDevice();
  const shop = await tab({ tasks: { workers: 5 } });
  const running = { all: 0, one: 0, many: 0 };
  const most = { all: 0, one: 0, many: 0 };
  const work = (name: 'one' | 'many') => async (): Promise<void> => {
    for (const key of ['all', name] as const) most[key] = Math.max(most[key], (running[key] += 1));
    await new Promise<void>((resolve) => void world.after(10, resolve));
    for (const key of ['all', name] as const) running[key] -= 1;
  };
  shop.handle('order.placed', 'one', work('one'));
  shop.handle('order.placed', 'many', work('many'), { concurrency: 8 });
  await world.settle();
  await Promise.all(Array.from({ length: 40 }, (_, n) => shop.publish('order.placed', { n })));
  await world.advance(10_000);
  expect(most).toEqual({ all: 5, one: 1, many: 4 });
  expect(await shop.tasks.handlers()).toMatchObject([{ totals: { handled: 40 } }, { totals: { handled: 40 } }]);
});

test('the cooperative scheduler claims only when everything that was claimed has ended; the concurrent one goes on', async () => {
  for (const [scheduler, expected] of [
    ['cooperative', [2, 2]],
    ['concurrent', [2, 3]],
  ] as const) {
    const { tab, world } = createDevice();
    const shop = await tab({ tasks: { scheduler, batch: 2 } });
    const begun: number[] = [];
    const first = Promise.withResolvers<void>();
    shop.handle(
      'order.placed',
      'ship',
      ({ data }) => {
        begun.push(data.n);
        return data.n === 0 ? first.promise : undefined;
      },
      { concurrency: 2 },
    );
    await world.settle();
    await Promise.all([0, 1, 2, 3].map((n) => shop.publish('order.placed', { n })));
    await world.settle();
    expect(begun.length, scheduler).toBeGreaterThanOrEqual(expected[0]);
    if (scheduler === 'cooperative') expect(begun).toEqual([0, 1]);
    else expect(begun).toEqual([0, 1, 2, 3]);
    first.resolve();
    await world.settle();
    expect(begun).toEqual([0, 1, 2, 3]);
  }
});

test('pausing begins no more tasks on the whole device, and resuming goes on where it was', async () => {
  const { tab, world } = createDevice();
  const [one, two] = [await tab(), await tab()];
  const handled: number[] = [];
  one.handle('order.placed', 'ship', ({ data }) => void handled.push(data.n));
  two.handle('order.placed', 'ship', ({ data }) => void handled.push(data.n));
  await world.settle();
  two.tasks.pause();
  await world.settle();
  expect([one.tasks.state, two.tasks.state, one.status.get().tasks]).toEqual(['paused', 'paused', 'paused']);
  await one.publish('order.placed', { n: 1 });
  await world.advance(leaseMs * 3);
  expect(handled).toEqual([]);
  one.tasks.resume();
  await world.settle();
  expect(two.tasks.state).toBe('running');
  expect(handled).toEqual([1]);
});

test('a runtime that is not started holds its handlers, and a pause from before the start holds', async () => {
  const { tab, world } = createDevice();
  const shop = await tab({ tasks: { start: false } });
  const handled: number[] = [];
  shop.handle('order.placed', 'ship', ({ data }) => void handled.push(data.n));
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  expect([shop.tasks.state, handled]).toEqual(['held', []]);
  shop.tasks.pause();
  shop.tasks.start();
  await world.settle();
  expect([shop.tasks.state, handled]).toEqual(['paused', []]);
  shop.tasks.resume();
  await world.settle();
  expect([shop.tasks.state, handled]).toEqual(['running', [1]]);
});

test('starting twice, starting after the end, and shutting down twice or before the start are named errors', async () => {
  const { tab, world } = createDevice();
  const held = await tab({ tasks: { start: false } });
  await expect(held.tasks.shutdown()).rejects.toMatchObject({ name: 'Misused' });
  held.tasks.start();
  expect(() => held.tasks.start()).toThrow(expect.objectContaining({ name: 'Misused' }));
  await held.tasks.shutdown();
  await world.settle();
  await expect(held.tasks.shutdown()).rejects.toMatchObject({ name: 'Misused' });
  expect(() => held.tasks.start()).toThrow(expect.objectContaining({ name: 'Misused' }));
  const running = await tab();
  expect(() => running.tasks.start()).toThrow(expect.objectContaining({ name: 'Misused' }));
});

test('a shutdown waits for what runs, takes what was not begun back, and another tab goes on with it', async () => {
  const { tab, world } = createDevice();
  const one = await tab();
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  one.handle('order.placed', 'ship', ({ data }) => {
    begun.push(`one ${data.n}`);
    return first.promise;
  });
  await world.settle();
  await Promise.all([1, 2].map((n) => one.publish('order.placed', { n })));
  await world.settle();
  let isOver = false;
  const shutdown = one.tasks.shutdown().then(() => (isOver = true));
  await world.advance(1000);
  expect([isOver, one.tasks.state]).toEqual([false, 'stopping']);
  first.resolve();
  await shutdown;
  expect(one.tasks.state).toBe('stopped');
  const two = await tab();
  two.handle('order.placed', 'ship', ({ data }, { attempt }) => void begun.push(`two ${data.n}/${attempt}`));
  await world.settle();
  expect(begun).toEqual(['one 1', 'two 2/1']);
});

test('a shutdown is bounded: what still runs is interrupted, its answer refused, and no attempt used', async () => {
  const { tab, world } = createDevice();
  const one = await tab();
  const late = Promise.withResolvers<void>();
  const reasons: unknown[] = [];
  one.handle('order.placed', 'ship', (_, { signal }) => {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    return late.promise;
  });
  await world.settle();
  await one.publish('order.placed', { n: 1 });
  await world.settle();
  const shutdown = one.tasks.shutdown({ timeoutMs: 2000 });
  await world.advance(2000);
  await shutdown;
  expect(reasons).toMatchObject([{ name: 'Cancelled' }]);
  late.resolve();
  const two = await tab();
  const attempts: number[] = [];
  two.handle('order.placed', 'ship', (_, { attempt }) => void attempts.push(attempt));
  await world.settle();
  expect(attempts).toEqual([1]);
});

test('an attempt that takes too long has failed: its signal aborts, its answer is refused, and the next one runs', async () => {
  const { tab, world, reports } = createDevice();
  const shop = await tab();
  const seen: string[] = [];
  const late = Promise.withResolvers<void>();
  shop.handle(
    'order.placed',
    'charge',
    (_, { attempt, signal }) => {
      signal.addEventListener('abort', () => seen.push(`${attempt} ${signal.reason.name}`));
      return attempt === 1 ? late.promise : undefined;
    },
    { timeoutMs: 500, backoff: () => 100 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.advance(600);
  late.reject(new Error('too late to be heard'));
  await world.settle();
  expect(seen).toEqual(['1 TimedOut']);
  expect(reports).toEqual([]);
  expect(await shop.tasks.handlers()).toMatchObject([{ totals: { passed: 1, handled: 1, failed: 1 } }]);
});

test('a handler that never settles holds its own place alone, and keeps its lease while its tab lives', async () => {
  const { tab, world } = createDevice();
  const [one, two] = [await tab(), await tab()];
  const begun: string[] = [];
  for (const [name, shop] of [
    ['one', one],
    ['two', two],
  ] as const) {
    shop.handle('order.placed', 'stuck', () => {
      begun.push(`${name} stuck`);
      return never();
    });
    shop.handle('order.placed', 'ship', () => void begun.push('ship'));
    await world.settle();
  }
  await one.publish('order.placed', { n: 1 });
  await one.publish('order.placed', { n: 2 });
  await world.advance(leaseMs * 5);
  expect(begun.toSorted()).toEqual(['one stuck', 'ship', 'ship']);
});

test('a tab that froze and thaws has lost its lease: its signal is aborted, its answer refused, and the event was handled once more', async () => {
  const device = createDevice();
  const { world } = device;
  let frozen: (() => void)[] | undefined;
  const one = await device.open(orders, {
    // While it is frozen, nothing that it asked for comes back and no timer of its fires.
    world: (same) => ({
      ...same,
      after: (ms, callback) => same.after(ms, () => (frozen === undefined ? callback() : void frozen.push(callback))),
    }),
  });
  const first = Promise.withResolvers<void>();
  const reasons: unknown[] = [];
  one.runtime.handle('order.placed', 'charge', (_, { signal }) => {
    signal.addEventListener('abort', () => reasons.push(signal.reason));
    return first.promise;
  });
  await world.settle();
  const two = await device.tab();
  const attempts: number[] = [];
  two.handle('order.placed', 'charge', (_, { attempt }) => void attempts.push(attempt));
  await world.settle();
  await two.publish('order.placed', { n: 1 });
  await world.settle();
  frozen = [];
  await world.advance(leaseMs * 2 + 2000);
  expect(attempts).toEqual([2]);
  const thawed = frozen;
  frozen = undefined;
  for (const callback of thawed) callback();
  await world.settle();
  first.resolve();
  await world.advance(5000);
  expect(reasons).toMatchObject([{ name: 'Fenced' }]);
  expect(await two.tasks.handlers()).toMatchObject([{ totals: { passed: 1, handled: 1, failed: 1 } }]);
});

test('an idle runtime does no work: no timer is set or runs while nothing is due', async () => {
  const { tab, world } = createDevice();
  let set = 0;
  const counted = (its: World): World => ({
    ...its,
    after(ms, callback) {
      set += 1;
      return its.after(ms, callback);
    },
  });
  const [one, two] = [await tab({ world: counted }), await tab({ world: counted })];
  for (const shop of [one, two]) shop.handle('order.placed', 'ship', () => undefined);
  await world.settle();
  for (let n = 0; n < 10; n += 1) await one.publish('order.placed', { n });
  await world.advance(leaseMs * 2);
  expect(world.timers).toBe(0);
  await two.publish('order.paid', { n: 1 });
  await world.advance(leaseMs * 2);
  expect(world.timers).toBe(0);
  set = 0;
  await world.advance(24 * 3_600_000);
  expect(set).toBe(0);
});
