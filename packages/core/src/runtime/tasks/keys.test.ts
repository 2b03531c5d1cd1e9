import { expect, test } from 'vitest';
import { createDevice } from './test/device.ts';

test('events of one key are handled in order, one at a time, also across retries; other keys go on', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const calls: string[] = [];
  let running = 0;
  let most = 0;
  shop.handle(
    'order.placed',
    'ship',
    async ({ data }, { attempt }) => {
      calls.push(`${data.n}/${attempt}`);
      most = Math.max(most, (running += 1));
      await new Promise<void>((resolve) => void world.after(10, resolve));
      running -= 1;
      if (data.n === 0 && attempt < 3) throw new Error('no driver');
    },
    { key: ({ data }) => (data.n % 10 === 0 ? 'north' : `south ${data.n}`), concurrency: 4, backoff: () => 1000 },
  );
  await world.settle();
  for (const n of [0, 10, 1, 20, 2]) await shop.publish('order.placed', { n });
  await world.advance(500);
  expect(calls).toEqual(['0/1', '1/1', '2/1']);
  // What comes while the first waits, comes behind it.
  await shop.publish('order.placed', { n: 30 });
  await world.advance(10_000);
  expect(calls.filter((call) => !call.startsWith('1/') && !call.startsWith('2/'))).toEqual([
    '0/1',
    '0/2',
    '0/3',
    '10/1',
    '20/1',
    '30/1',
  ]);
  expect(most).toBe(3);
  expect(await shop.tasks.count()).toBe(0);
  expect(await shop.tasks.handlers()).toMatchObject([{ totals: { passed: 6, handled: 6, failed: 2 } }]);
});

test('a dead letter lets the next of its key go on', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const handled: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data }) => {
      if (data.n === 1) throw new Error('no such address');
      handled.push(data.n);
    },
    { key: () => 'north', maxErrors: 2, backoff: () => 100 },
  );
  await world.settle();
  for (const n of [1, 2, 3]) await shop.publish('order.placed', { n });
  await world.advance(50);
  expect(handled).toEqual([]);
  await world.advance(1000);
  expect(handled).toEqual([2, 3]);
  expect(await shop.tasks.list({ states: ['dead'] })).toMatchObject({ tasks: [{ event: { data: { n: 1 } } }] });
});

test('cancelling what waits lets the next of its key go on', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const handled: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data }) => {
      if (data.n === 1) throw new Error('no such address');
      handled.push(data.n);
    },
    { key: () => 'north', backoff: () => 3_600_000 },
  );
  await world.settle();
  for (const n of [1, 2]) await shop.publish('order.placed', { n });
  await world.advance(1000);
  expect(await shop.tasks.cancel({ handler: 'ship', states: ['waiting'] })).toBe(1);
  await world.advance(1000);
  expect(handled).toEqual([2]);
  expect(await shop.tasks.handlers()).toMatchObject([
    { totals: { passed: 2, handled: 1, failed: 1, dropped: { cancelled: 1 } } },
  ]);
});

test('a key that is no text is reported, and its event handled without one', async () => {
  const { tab, world, reports } = createDevice();
  const shop = await tab();
  const handled: number[] = [];
  shop.handle('order.placed', 'ship', ({ data }) => void handled.push(data.n), {
    key: ({ data }) => JSON.parse(`${data.n}`),
  });
  await world.settle();
  await shop.publish('order.placed', { n: 5 });
  await world.settle();
  expect(handled).toEqual([5]);
  expect(reports).toMatchObject([{ name: 'InvalidOptions', message: expect.stringContaining('the key of "ship"') }]);
});

test('a key that throws is reported, and its event handled without one', async () => {
  const { tab, world, reports } = createDevice();
  const shop = await tab();
  const handled: number[] = [];
  shop.handle('order.placed', 'ship', ({ data }) => void handled.push(data.n), {
    key({ data }) {
      if (data.n === 1) throw new Error('no key');
      return 'north';
    },
  });
  await world.settle();
  for (const n of [1, 2]) await shop.publish('order.placed', { n });
  await world.advance(1000);
  expect(handled).toEqual([1, 2]);
  expect(reports).toMatchObject([{ name: 'InvalidOptions', message: expect.stringContaining('no key') }]);
});
