import { expect, test, vi } from 'vitest';
import { leaseMs } from '../../durable/lease.ts';
import { Failure } from '../../failure.ts';
import type { DeviceStore, Step } from '../../ports/tasks.ts';
import { createDevice, orders } from './test/device.ts';

test('a handler that is stopped while it runs, and defined anew at once, is interrupted first: its event is given back and no attempt is used', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const seen: string[] = [];
  const stop = shop.handle('order.placed', 'ship', ({ data }, { signal }) => {
    seen.push(`old ${data.n}`);
    signal.addEventListener('abort', () => seen.push('interrupted'));
    return new Promise(() => undefined);
  });
  await world.settle();
  for (const n of [1, 2]) await shop.publish('order.placed', { n });
  await world.settle();
  stop();
  shop.handle('order.placed', 'ship', ({ data }, { attempt }) => void seen.push(`new ${data.n}/${attempt}`));
  await world.advance(60_000);
  expect(seen).toEqual(['old 1', 'interrupted', 'new 1/1', 'new 2/1']);
  expect(await shop.tasks.handlers()).toMatchObject([{ totals: { passed: 2, handled: 2, failed: 0 } }]);
});

test('a name that is defined and stopped in quick succession is as it was last said', async () => {
  const { tab, world, reports } = createDevice();
  const shop = await tab();
  const handled: string[] = [];
  const define = (as: string) => shop.handle('order.placed', 'ship', () => void handled.push(as));
  define('first')();
  define('second')();
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.advance(1000);
  expect(handled).toEqual([]);
  expect(await shop.tasks.handlers()).toMatchObject([{ isDefined: false, isHere: false }]);
  define('third')();
  define('fourth')();
  define('fifth');
  await world.advance(1000);
  expect(handled).toEqual(['fifth']);
  expect(reports).toEqual([]);
});

test('what waits for a worker runs once the handler that had it is stopped', async () => {
  const { tab, world } = createDevice();
  const shop = await tab({ tasks: { workers: 1 } });
  const handled: number[] = [];
  const stop = shop.handle('order.placed', 'stuck', () => new Promise(() => undefined), { priority: 1 });
  shop.handle('order.paid', 'ship', ({ data }) => void handled.push(data.n));
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  await shop.publish('order.paid', { n: 2 });
  await world.settle();
  expect(handled).toEqual([]);
  stop();
  await world.settle();
  expect(handled).toEqual([2]);
});

test('nothing is handled that is defined behind the shutdown: it is refused by name', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const handled: number[] = [];
  await shop.tasks.shutdown();
  expect(() => shop.handle('order.placed', 'late', ({ data }) => void handled.push(data.n))).toThrow(
    expect.objectContaining({ name: 'Misused', message: expect.stringContaining('create another runtime') }),
  );
  await shop.publish('order.placed', { n: 1 });
  await world.advance(1000);
  expect(handled).toEqual([]);
});

test('a handler defined while the one before of its name still stops does not begin behind the shutdown', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const begun: string[] = [];
  const stop = shop.handle('order.placed', 'ship', () => {
    begun.push('old');
    return new Promise(() => undefined);
  });
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  stop();
  shop.handle('order.placed', 'ship', () => void begun.push('new'));
  const shutdown = shop.tasks.shutdown();
  await world.advance(10_000);
  await shutdown;
  await world.advance(10_000);
  expect([begun, shop.tasks.state]).toEqual([['old'], 'stopped']);
});

test('a shutdown that takes longer than a lease keeps the lease: no other tab runs what still runs here', async () => {
  const { tab, world } = createDevice();
  const [one, two] = [await tab(), await tab()];
  const begun: string[] = [];
  const end = Promise.withResolvers<void>();
  one.handle('order.placed', 'ship', () => {
    begun.push('one');
    return end.promise;
  });
  await world.settle();
  two.handle('order.placed', 'ship', () => void begun.push('two'));
  await world.settle();
  await one.publish('order.placed', { n: 1 });
  await world.settle();
  const shutdown = one.tasks.shutdown({ timeoutMs: leaseMs * 10 });
  await world.advance(leaseMs * 5);
  expect(begun).toEqual(['one']);
  end.resolve();
  await shutdown;
  await world.advance(leaseMs * 5);
  expect(begun).toEqual(['one']);
  expect(await two.tasks.handlers()).toMatchObject([{ totals: { passed: 1, handled: 1, failed: 0 } }]);
});

test('closing does not wait for a shutdown that was given an hour', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  shop.handle('order.placed', 'stuck', () => new Promise(() => undefined));
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  void shop.tasks.shutdown({ timeoutMs: 3_600_000 });
  await world.advance(1000);
  let isClosed = false;
  void shop.close().then(() => (isClosed = true));
  await world.advance(10_000);
  expect(isClosed).toBe(true);
});

test('closing gives what runs five seconds to end; what has not ended then has used no attempt', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  shop.handle('order.placed', 'ship', () => new Promise(() => undefined));
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  let isClosed = false;
  void shop.close().then(() => (isClosed = true));
  await world.advance(4999);
  expect(isClosed).toBe(false);
  await world.advance(1);
  expect(isClosed).toBe(true);
  const attempts: number[] = [];
  (await tab()).handle('order.placed', 'ship', (_, { attempt }) => void attempts.push(attempt));
  await world.settle();
  expect(attempts).toEqual([1]);
});

test('a runtime that closed leaves no timer behind, also when what ran had ended before its time was over', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const end = Promise.withResolvers<void>();
  shop.handle('order.placed', 'ship', () => end.promise, { timeoutMs: 60_000 });
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  const closing = shop.close();
  await world.advance(10);
  end.resolve();
  await closing;
  expect(world.timers).toBe(0);
});

test('a release whose answer is lost is a release: another tab goes on at once', async () => {
  const device = createDevice();
  const { world } = device;
  const handled: string[] = [];
  const one = await device.tab({ store: (store) => losing(store, ({ release }) => release) });
  const stop = one.handle('order.placed', 'ship', () => void handled.push('one'));
  await world.settle();
  const two = await device.tab();
  two.handle('order.placed', 'ship', () => void handled.push('two'));
  await world.settle();
  stop();
  await world.advance(2000);
  await one.publish('order.placed', { n: 1 });
  await world.advance(100);
  expect(handled).toEqual(['two']);
});

test('a release that the disk refuses is tried again', async () => {
  const device = createDevice();
  const { world } = device;
  const handled: string[] = [];
  let refusals = 2;
  const one = await device.open(orders, {
    store: (store) => ({
      ...store,
      async advance(step) {
        if (step.release && (refusals -= 1) >= 0) throw new Failure('StorageFailed', 'the disk is busy');
        return store.advance(step);
      },
    }),
  });
  const stop = one.runtime.handle('order.placed', 'ship', () => void handled.push('one'));
  await world.settle();
  const two = await device.tab();
  two.handle('order.placed', 'ship', () => void handled.push('two'));
  await world.settle();
  stop();
  await world.advance(3000);
  await two.publish('order.placed', { n: 1 });
  await world.advance(100);
  expect(handled).toEqual(['two']);
});

test('a handler that is stopped by its signal lets go of the signal when the runtime closes', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const { signal } = new AbortController();
  const listen = vi.spyOn(signal, 'addEventListener');
  shop.handle('order.placed', 'ship', () => undefined, { signal });
  await world.settle();
  expect(listen.mock.calls).toMatchObject([['abort', expect.anything(), { signal: { aborted: false } }]]);
  await shop.close();
  expect(listen.mock.calls).toMatchObject([['abort', expect.anything(), { signal: { aborted: true } }]]);
});

/** A store whose answers to some steps are lost, once they are committed. */
function losing(store: DeviceStore, isLost: (step: Step) => boolean): DeviceStore {
  return {
    ...store,
    async advance(step) {
      const advanced = await store.advance(step);
      if (isLost(step)) throw new Failure('StorageFailed', 'the answer was lost');
      return advanced;
    },
  };
}
