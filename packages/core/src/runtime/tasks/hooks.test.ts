import { expect, test } from 'vitest';
import { createDevice } from './test/device.ts';

test('hooks run before each attempt, and what they change is what the handler sees', async () => {
  const { tab, world } = createDevice();
  const trail: string[] = [];
  const shop = await tab({
    tasks: {
      hooks: {
        beforeProcessing(event) {
          trail.push(`processing ${event.type}`);
          return { ...event, tenant: 'north' };
        },
        async beforeExecuting(event, { handler, attempt }) {
          trail.push(`executing ${handler} ${attempt} for ${String(event['tenant'])}`);
          return { ...event, data: { n: 100 } };
        },
      },
    },
  });
  shop.handle('order.placed', 'ship', (event) => void trail.push(`${String(event['tenant'])} ${event.data.n}`));
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  expect(trail).toEqual(['processing order.placed', 'executing ship 1 for north', 'north 100']);
});

test('a hook that throws skips the event for that handler, counted and reported; its neighbours have it', async () => {
  const { tab, world, reports } = createDevice();
  const handled: string[] = [];
  const shop = await tab({
    tasks: {
      hooks: {
        beforeExecuting(_, { handler }) {
          if (handler === 'bill') throw new Error('bob is a test customer');
        },
      },
    },
  });
  for (const name of ['bill', 'ship']) shop.handle('order.placed', name, () => void handled.push(name));
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  expect(handled).toEqual(['ship']);
  expect(await shop.tasks.handlers()).toMatchObject([
    { name: 'bill', totals: { passed: 1, handled: 0, dropped: { skipped: 1 } } },
    { name: 'ship', totals: { passed: 1, handled: 1, dropped: {} } },
  ]);
  expect(reports).toMatchObject([{ name: 'Cancelled', message: expect.stringContaining('bob is a test customer') }]);
});

test('what is published inside a handler carries the correlation of the event that caused it, and its id as the cause', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const seen: { readonly id: string; readonly correlationid?: string; readonly causationid?: string }[] = [];
  shop.handle('order.placed', 'pay', (_, { publish }) => publish('order.paid', { n: 1 }));
  shop.handle('order.paid', 'thank', async (event, { publish }) => {
    seen.push(event);
    if (seen.length < 3) await publish('order.paid', { n: 2 }, { causationId: 'by hand' });
  });
  await world.settle();
  const { id } = await shop.publish('order.placed', { n: 1 });
  await world.settle();
  expect(seen.map(({ correlationid, causationid }) => [correlationid, causationid])).toEqual([
    [id, id],
    [id, 'by hand'],
    [id, 'by hand'],
  ]);
});

test('an event without a durable handler is told of once for each type, where that is asked for, and stays for a later release', async () => {
  const { tab, world, reports } = createDevice();
  const shop = await tab({ tasks: { unhandled: 'warn' } });
  await shop.publish('order.placed', { n: 1 });
  await shop.publish('order.placed', { n: 2 });
  expect(reports.map(({ message }) => message)).toEqual([
    '"order.placed" was published, and no durable handler of this tab handles it',
  ]);
  const later = await tab();
  const handled: number[] = [];
  later.handle('order.placed', 'ship', ({ data }) => void handled.push(data.n), { from: 'earliest' });
  await world.settle();
  expect(handled).toEqual([1, 2]);
});
