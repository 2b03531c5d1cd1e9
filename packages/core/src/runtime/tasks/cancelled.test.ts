import { expect, test } from 'vitest';
import { createDevice, orders } from './test/device.ts';

test('an event that was cancelled while it was blocked is not run by who comes after a tab that died', async () => {
  const { open, world } = createDevice();
  const begun: string[] = [];
  const options = { key: () => 'same', backoff: () => 5000, concurrency: 2 };
  const first = await open(orders);
  first.runtime.handle(
    'order.*',
    'ship',
    ({ data: { n } }) => {
      begun.push(`first: ${n}`);
      throw new Error('busy');
    },
    options,
  );
  await world.settle();
  await first.runtime.publish('order.placed', { n: 1 });
  await world.settle();
  await first.runtime.publish('order.placed', { n: 2 });
  await world.settle();
  first.kill();
  const second = await open(orders);
  expect(await second.runtime.tasks.cancel({ states: ['blocked'] })).toBe(1);
  second.runtime.handle('order.*', 'ship', ({ data: { n } }) => void begun.push(`second: ${n}`), options);
  await world.advance(60_000);
  expect(begun).toEqual(['first: 1', 'second: 1']);
  const [{ rows, totals } = { rows: {}, totals: {} }] = await second.runtime.tasks.handlers();
  expect(Object.values(rows).every((count) => count === 0)).toBe(true);
  expect(totals).toMatchObject({ passed: 2, handled: 1, dropped: { cancelled: 1 } });
});

test('a tab whose only event was cancelled before it came to it keeps its handler, however long another waits for that', async () => {
  const { tab, world } = createDevice();
  const [first, second] = [await tab(), await tab()];
  first.handle('order.placed', 'ship', () => undefined);
  await world.settle();
  first.tasks.pause();
  const { position } = await first.publish('order.placed', { n: 1 });
  expect(await first.tasks.cancel({ handler: 'ship', position: position ?? 0 })).toBe(1);
  first.tasks.resume();
  await world.settle();
  second.handle('order.placed', 'ship', () => undefined);
  await world.advance(60_000);
  expect(await second.tasks.handlers()).toMatchObject([
    { isHere: false, totals: { passed: 1, dropped: { cancelled: 1 } } },
  ]);
  expect(await first.tasks.handlers()).toMatchObject([{ isHere: true }]);
  expect(world.timers).toBe(0);
});
