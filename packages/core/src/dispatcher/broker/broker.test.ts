import { expect, test } from 'vitest';
import type { Failure } from '../../failure.ts';
import { createTestWorld, type TestWorld } from '../../testing/world.ts';
import { type Broker, createBroker, subscriberCapacity } from './broker.ts';

function setUp(held = false): { world: TestWorld; broker: Broker<number>; reported: Failure[] } {
  const world = createTestWorld();
  const reported: Failure[] = [];
  return {
    world,
    reported,
    broker: createBroker<number>({ world, held, report: (failure) => reported.push(failure) }),
  };
}

/** A transport whose sends end when they are told to. */
function transport(): {
  sent: number[];
  closed: string[];
  send: (n: number) => Promise<void>;
  close: (reason: string) => void;
  drain: () => void;
} {
  const sent: number[] = [];
  const closed: string[] = [];
  const waiting: (() => void)[] = [];
  return {
    sent,
    closed,
    send: (n) => new Promise((resolve) => waiting.push(() => resolve(void sent.push(n)))),
    close: (reason) => void closed.push(reason),
    drain: () => waiting.shift()?.(),
  };
}

test('a subscriber is anything with send and close, and gets events in order, one at a time', async () => {
  const { world, broker } = setUp();
  const alice = transport();
  broker.subscribe(alice);
  for (const n of [1, 2, 3]) broker.publish('n', n);
  expect(broker.stats()).toMatchObject({ published: 3, sent: 0, queueDepth: 3, subscriberCount: 1 });
  for (let n = 0; n < 3; n += 1) {
    alice.drain();
    await world.settle();
  }
  expect(alice.sent).toEqual([1, 2, 3]);
  expect(broker.stats()).toMatchObject({ published: 3, sent: 3, queueDepth: 0 });
});

test('a slow subscriber is skipped, counted against that subscriber, and stalls nobody', async () => {
  const { world, broker, reported } = setUp();
  const slow = transport();
  const quick: number[] = [];
  broker.subscribe(slow, { capacity: 1, name: 'alice' });
  broker.subscribe({ send: (n) => quick.push(n) }, { name: 'bob' });
  for (const n of [1, 2, 3, 4]) {
    broker.publish('n', n);
    await world.settle();
  }
  expect(quick).toEqual([1, 2, 3, 4]);
  expect(broker.stats()).toMatchObject({
    sent: 4,
    skipped: 2,
    subscribers: [
      { name: 'alice', overflow: 2, pending: 2 },
      { name: 'bob', overflow: 0, delivered: 4 },
    ],
  });
  expect(reported.map(({ name }) => name)).toEqual(['QueueFull']);
});

test('256 events wait for a subscriber, unless it says otherwise', () => {
  const { broker } = setUp();
  broker.subscribe(transport());
  for (let n = 0; n < 1 + subscriberCapacity; n += 1) broker.publish('n', n);
  expect(broker.stats()).toMatchObject({ queueDepth: 257, skipped: 0 });
  broker.publish('n', 0);
  expect(broker.stats()).toMatchObject({ published: 258, queueDepth: 257, skipped: 1 });
});

test('a slow subscriber is disconnected, where that is chosen', async () => {
  const { broker } = setUp();
  const slow = transport();
  broker.subscribe(slow, { capacity: 1, onSlow: 'disconnect' });
  for (const n of [1, 2, 3, 4]) broker.publish('n', n);
  expect(slow.closed).toEqual(['disconnected']);
  expect(broker.stats()).toMatchObject({ disconnected: 1, subscriberCount: 0, dropped: { overflow: 1, detached: 1 } });
});

test('a send that fails is counted and reported, and the next event is sent', async () => {
  const { world, broker, reported } = setUp();
  const sent: number[] = [];
  broker.subscribe({
    send: (n) => {
      if (n === 1) throw new Error('broken pipe');
      sent.push(n);
    },
  });
  broker.publish('n', 1);
  broker.publish('n', 2);
  await world.settle();
  expect(sent).toEqual([2]);
  expect(broker.stats()).toMatchObject({ sent: 1, failed: 1 });
  expect(reported.map(({ message }) => message)).toEqual(['the handler "subscriber" failed on "n": broken pipe']);
});

test('subscribing and publishing before the start do not block, and nothing of it is lost', async () => {
  const { world, broker } = setUp(true);
  const sent: number[] = [];
  broker.publish('n', 1);
  broker.subscribe({ send: (n) => sent.push(n) });
  broker.publish('n', 2);
  expect(broker.stats()).toMatchObject({ published: 2, queueDepth: 2 });
  broker.start();
  await world.settle();
  expect(sent).toEqual([1, 2]);
  expect(broker.stats()).toMatchObject({ published: 2, sent: 2, queueDepth: 0 });
});

test('unsubscribing answers true, then false, and closes the transport once', () => {
  const { broker } = setUp();
  const alice = transport();
  const leave = broker.subscribe(alice);
  expect(leave()).toBe(true);
  expect(leave()).toBe(false);
  expect(alice.closed).toEqual(['unsubscribed']);
});

test('shutdown sends what waits, within its time, and closes everyone', async () => {
  const { world, broker } = setUp();
  const alice = transport();
  const hung: string[] = [];
  broker.subscribe(alice);
  broker.subscribe({ send: () => new Promise(() => {}), close: (reason) => void hung.push(reason) });
  for (const n of [1, 2]) broker.publish('n', n);
  const closing = broker.close({ timeoutMs: 100 });
  alice.drain();
  await world.settle();
  alice.drain();
  await world.advance(100);
  await closing;
  expect(alice.sent).toEqual([1, 2]);
  expect([alice.closed, hung]).toEqual([['closed'], ['closed']]);
  expect(broker.stats()).toMatchObject({ sent: 2, subscriberCount: 0, dropped: { closed: 1 } });
  expect(world.timers).toBe(0);
});

test('a subscriber that leaves during the shutdown is closed once, and one that comes is refused', async () => {
  const { world, broker } = setUp();
  const alice = transport();
  const leave = broker.subscribe(alice);
  broker.publish('n', 1);
  const closing = broker.close({ timeoutMs: 100 });
  leave();
  expect(() => broker.subscribe(transport())).toThrow(expect.objectContaining({ name: 'Closed' }));
  expect(() => broker.publish('n', 2)).toThrow(expect.objectContaining({ name: 'Closed' }));
  await world.advance(100);
  await closing;
  expect(alice.closed).toHaveLength(1);
});

test('a transport whose close throws or rejects is reported, and the others are closed', async () => {
  const { world, broker, reported } = setUp();
  const alice = transport();
  broker.subscribe({ send: () => {}, close: () => Promise.reject(new Error('already gone')) });
  broker.subscribe({
    send: () => {},
    close: () => {
      throw new Error('already gone');
    },
  });
  broker.subscribe(alice);
  await broker.close({ timeoutMs: 0 });
  await world.settle();
  expect(alice.closed).toEqual(['closed']);
  expect(reported.map(({ message }) => message)).toEqual(['already gone', 'already gone']);
});

test('where the reporter throws too, the others are closed all the same', async () => {
  const world = createTestWorld();
  const report = (): never => {
    throw new Error('the log is down');
  };
  const broker = createBroker<number>({ world, report });
  const alice = transport();
  broker.subscribe({ send: () => {}, close: () => Promise.reject(new Error('already gone')) });
  broker.subscribe(alice);
  await broker.close({ timeoutMs: 0 });
  await world.settle();
  expect(alice.closed).toEqual(['closed']);
});

test('a subscriber may hear some types only, and stop by a signal', async () => {
  const { world, broker } = setUp();
  const sent: string[] = [];
  const controller = new AbortController();
  broker.subscribe({ send: (_, type) => sent.push(type) }, { pattern: 'price.*', signal: controller.signal });
  broker.publish('price.changed', 1);
  broker.publish('stock.changed', 1);
  await world.settle();
  controller.abort();
  broker.publish('price.changed', 2);
  await world.settle();
  expect(sent).toEqual(['price.changed']);
});

test('what is held when it closes before its start is counted as dropped', async () => {
  const { broker } = setUp(true);
  const alice = transport();
  broker.subscribe(alice);
  for (const n of [1, 2, 3]) broker.publish('n', n);
  await broker.close();
  expect(alice.closed).toEqual(['closed']);
  expect(broker.stats()).toMatchObject({ published: 3, sent: 0, queueDepth: 0, dropped: { closed: 3 } });
});
