import { expect, test } from 'vitest';
import { gather } from '../../testing/waiting.ts';
import { NonRetriableError, RetryAfterError } from '../../durable/errors.ts';
import { leaseMs } from '../../durable/lease.ts';
import { createDevice, orders } from './test/device.ts';

test('an event is handled once by its durable handler, with its payload, its place and which try it is', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const calls = gather<unknown>();
  shop.handle('order.placed', 'send-receipt', (event, { attempt, handler }) =>
    calls.add([event.data.n, event.channel, typeof event.position, attempt, handler]),
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  expect(calls.items).toEqual([[1, 'shop', 'number', 1, 'send-receipt']]);
  expect(await shop.tasks.handlers()).toMatchObject([
    { name: 'send-receipt', isHere: true, isDefined: true, totals: { passed: 1, handled: 1, failed: 0 } },
  ]);
});

test('with three tabs that define it, a handler runs once for the device and not once per tab', async () => {
  const { tab, world } = createDevice();
  const tabs = [await tab(), await tab(), await tab()];
  const heard = gather<number>();
  for (const shop of tabs) shop.handle('order.placed', 'send-receipt', ({ data }) => heard.add(data.n));
  await world.settle();
  for (const [n, shop] of tabs.entries()) await shop.publish('order.placed', { n });
  await world.settle();
  expect(heard.items).toEqual([0, 1, 2]);
});

test('a handler goes on after a reload where it was, and has what was published meanwhile', async () => {
  const { tab, world } = createDevice();
  const before = await tab();
  const first = gather<number>();
  before.handle('order.placed', 'send-receipt', ({ data }) => first.add(data.n));
  await world.settle();
  await before.publish('order.placed', { n: 1 });
  await world.settle();
  await before.close();
  const other = await tab();
  await other.publish('order.placed', { n: 2 });
  const after = await tab();
  const second = gather<number>();
  after.handle('order.placed', 'send-receipt', ({ data }) => second.add(data.n));
  await world.settle();
  expect([first.items, second.items]).toEqual([[1], [2]]);
});

test('a new handler begins now, or at the earliest event that the device holds', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  await shop.publish('order.placed', { n: 1 });
  const now = gather<number>();
  const earliest = gather<number>();
  shop.handle('order.placed', 'now', ({ data }) => now.add(data.n));
  shop.handle('order.placed', 'earliest', ({ data }) => earliest.add(data.n), { from: 'earliest' });
  await world.settle();
  await shop.publish('order.placed', { n: 2 });
  await world.settle();
  expect([now.items, earliest.items]).toEqual([[2], [1, 2]]);
});

test('an event that fails is tried again, and the others go on meanwhile', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const calls: string[] = [];
  shop.handle('order.placed', 'charge', ({ data }, { attempt }) => {
    calls.push(`${data.n}/${attempt}`);
    if (data.n === 1 && attempt < 3) throw new Error('busy');
  });
  await world.settle();
  await Promise.all([shop.publish('order.placed', { n: 1 }), shop.publish('order.placed', { n: 2 })]);
  await world.settle();
  expect(calls).toEqual(['1/1', '2/1']);
  await world.advance(3000);
  expect(calls).toEqual(['1/1', '2/1', '1/2', '1/3']);
  expect(await shop.tasks.handlers()).toMatchObject([{ totals: { passed: 2, handled: 2, failed: 2 }, due: null }]);
});

test('nothing is tried again before its time', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const attempts: number[] = [];
  shop.handle(
    'order.placed',
    'charge',
    (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new RetryAfterError('come back later', 60_000);
      throw new Error('busy');
    },
    { backoff: () => 1000, maxErrors: 3 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.advance(59_999);
  expect(attempts).toEqual([1]);
  await world.advance(1);
  expect(attempts).toEqual([1, 2]);
  await world.advance(999);
  expect(attempts).toEqual([1, 2]);
  await world.advance(1);
  expect(attempts).toEqual([1, 2, 3]);
});

test('after five attempts, which is all of them, an event is a dead letter with the reason, and the reporter hears it once', async () => {
  const { tab, world, reports } = createDevice();
  const shop = await tab();
  let attempts = 0;
  shop.handle('order.placed', 'charge', () => {
    attempts += 1;
    throw new Error(`no card ${attempts}`);
  });
  await world.settle();
  await shop.publish('order.placed', { n: 7 });
  await world.advance(60_000);
  expect(attempts).toBe(5);
  const { tasks, next } = await shop.tasks.list({ states: ['dead'] });
  expect(tasks).toMatchObject([
    {
      handler: 'charge',
      attempts: 5,
      event: { type: 'order.placed', data: { n: 7 } },
      failure: {
        name: 'HandlerFailed',
        message: expect.stringContaining('attempt 5 of 5: no card 5'),
        stack: expect.any(String),
      },
    },
  ]);
  expect(next).toBeNull();
  expect(reports.map(({ name, message }) => [name, message.includes('no card 5')])).toEqual([['HandlerFailed', true]]);
});

test('an error that says so is not tried again', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  let attempts = 0;
  shop.handle('order.placed', 'charge', async () => {
    attempts += 1;
    throw new NonRetriableError('the card was stolen');
  });
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.advance(60_000);
  expect(attempts).toBe(1);
  expect(await shop.tasks.count({ states: ['dead'] })).toBe(1);
});

test('dead letters are counted, filtered, run again or discarded', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  let isBroken = true;
  const handled: string[] = [];
  for (const name of ['charge', 'ship'])
    shop.handle(
      'order.*',
      name,
      ({ type, data }) => {
        if (isBroken) throw new Error('broken');
        handled.push(`${name} ${type} ${data.n}`);
      },
      { maxErrors: 1 },
    );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await shop.publish('order.paid', { n: 2 });
  await shop.publish('order.placed', { n: 3 });
  await world.settle();
  const dead = { states: ['dead'] } as const;
  expect(await shop.tasks.count(dead)).toBe(6);
  expect(await shop.tasks.count({ ...dead, handler: 'ship' })).toBe(3);
  expect(await shop.tasks.count({ ...dead, type: 'order.paid' })).toBe(2);
  expect((await shop.tasks.handlers()).filter(({ rows }) => rows.dead > 0).map(({ name }) => name)).toEqual([
    'charge',
    'ship',
  ]);
  const page = await shop.tasks.list(dead, { limit: 4 });
  const rest = await shop.tasks.list(dead, { limit: 4, after: page.next });
  expect([page.tasks.length, rest.tasks.length, rest.next]).toEqual([4, 2, null]);

  isBroken = false;
  const [first] = page.tasks;
  expect(await shop.tasks.retry({ handler: 'charge', position: first?.position ?? 0 })).toBe(1);
  await world.settle();
  expect(handled).toEqual(['charge order.placed 1']);
  expect(await shop.tasks.retry({ ...dead, handler: 'charge' })).toBe(2);
  await world.settle();
  expect(handled).toEqual(['charge order.placed 1', 'charge order.paid 2', 'charge order.placed 3']);
  expect(await shop.tasks.discard(dead)).toBe(3);
  expect(await shop.tasks.count()).toBe(0);
  expect(await shop.tasks.handlers()).toMatchObject([
    { name: 'charge', totals: { passed: 3, handled: 3, failed: 3, dropped: {} } },
    { name: 'ship', totals: { passed: 3, handled: 0, failed: 3, dropped: { discarded: 3 } } },
  ]);
});

test('a task is cancelled while it waits, and an event before its handler has come to it: neither is run', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const attempts: string[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data }, { attempt }) => {
      attempts.push(`${data.n}/${attempt}`);
      throw new Error('no driver');
    },
    { backoff: () => 60_000 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  shop.tasks.pause();
  const { position } = await shop.publish('order.placed', { n: 2 });
  expect(await shop.tasks.cancel({ handler: 'ship', states: ['waiting'] })).toBe(1);
  expect(await shop.tasks.cancel({ handler: 'ship', position: position ?? 0 })).toBe(1);
  expect(await shop.tasks.cancel({ handler: 'ship', position: 1 })).toBe(0);
  shop.tasks.resume();
  await world.advance(600_000);
  expect(attempts).toEqual(['1/1']);
  expect(await shop.tasks.handlers()).toMatchObject([
    { totals: { passed: 2, handled: 0, failed: 1, dropped: { cancelled: 2 } }, rows: { cancelled: 0, waiting: 0 } },
  ]);
});

test('when its tab is closed, a handler moves to another tab that defines it, at once', async () => {
  const { tab, world } = createDevice();
  const [one, two] = [await tab(), await tab()];
  const heard: string[] = [];
  one.handle('order.placed', 'send-receipt', ({ data }) => void heard.push(`one ${data.n}`));
  await world.settle();
  two.handle('order.placed', 'send-receipt', ({ data }) => void heard.push(`two ${data.n}`));
  await world.settle();
  await two.publish('order.placed', { n: 1 });
  await world.settle();
  await one.close();
  await two.publish('order.placed', { n: 2 });
  await world.settle();
  expect(heard).toEqual(['one 1', 'two 2']);
});

test('an event that kills its tab uses an attempt, and another tab takes the handler over at once', async () => {
  const { open, tab, world } = createDevice();
  const one = await open(orders);
  const attempts: string[] = [];
  one.runtime.handle('order.placed', 'charge', (_, { attempt }) => {
    attempts.push(`one ${attempt}`);
    one.kill();
    return new Promise(() => undefined);
  });
  await world.settle();
  const two = await tab();
  two.handle('order.placed', 'charge', (_, { attempt }) => void attempts.push(`two ${attempt}`));
  await world.settle();
  await two.publish('order.placed', { n: 1 });
  await world.advance(1000);
  expect(attempts).toEqual(['one 1', 'two 2']);
  expect(await two.tasks.handlers()).toMatchObject([{ totals: { passed: 1, handled: 1, failed: 1 } }]);
});

test('a tab that froze for good keeps its locks, and its handlers are taken over when the lease has run out', async () => {
  const { open, tab, world } = createDevice();
  const one = await open(orders);
  const attempts: string[] = [];
  one.runtime.handle('order.placed', 'charge', (_, { attempt }) => {
    attempts.push(`one ${attempt}`);
    one.freeze();
    return new Promise(() => undefined);
  });
  await world.settle();
  const two = await tab();
  two.handle('order.placed', 'charge', (_, { attempt }) => void attempts.push(`two ${attempt}`));
  await world.settle();
  await two.publish('order.placed', { n: 1 });
  await world.advance(leaseMs - 1);
  expect(attempts).toEqual(['one 1']);
  // It claimed just behind the other's look, which is a sign of life until the next one.
  await world.advance(leaseMs + 2000);
  expect(attempts).toEqual(['one 1', 'two 2']);
});

test('an event published right behind a new handler is handled by it', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  await shop.publish('order.placed', { n: 1 });
  const handled: number[] = [];
  shop.handle('order.placed', 'ship', ({ data }) => void handled.push(data.n));
  await shop.publish('order.placed', { n: 2 });
  await world.settle();
  expect(handled).toEqual([2]);
});

test('every tab of a device knows at once of a dead letter, and that it was run again, whichever tab runs the handler', async () => {
  const { tab, world } = createDevice();
  const tabs = [await tab(), await tab()];
  let isBroken = true;
  for (const shop of tabs) {
    shop.handle(
      'order.placed',
      'send-receipt',
      () => {
        if (isBroken) throw new Error('the printer is broken');
      },
      { maxErrors: 1 },
    );
    await world.settle();
  }
  const dead = (): unknown[] => tabs.map(({ status }) => status.get().handlers['send-receipt']?.rows.dead);
  await tabs[0]?.publish('order.placed', { n: 1 });
  await world.settle();
  expect(dead()).toEqual([1, 1]);
  isBroken = false;
  await tabs[1]?.tasks.retry({ states: ['dead'] });
  await world.settle();
  expect(dead()).toEqual([0, 0]);
});
