import { expect, test } from 'vitest';
import type { Failure } from '../../failure.ts';
import { createTestWorld, type TestWorld } from '../../testing/world.ts';
import { type Waiting, withWaiting } from '../await.ts';
import type { Dispatcher } from '../contract.ts';
import { createDispatcher } from '../dispatcher.ts';
import { dropOldest } from '../overflow.ts';
import { type Streams, withStreams } from './stream.ts';

interface Events {
  'price.up': number;
  'price.down': number;
}

function setUp(): {
  world: TestWorld;
  dispatcher: Dispatcher<Events> & Waiting<Events> & Streams<Events>;
  reported: Failure[];
} {
  const world = createTestWorld();
  const reported: Failure[] = [];
  return {
    world,
    reported,
    dispatcher: withStreams(
      withWaiting(createDispatcher<Events>({ world, report: (failure) => reported.push(failure) })),
    ),
  };
}

test('a stream is read in a loop, in the order in which events were dispatched', async () => {
  const { dispatcher } = setUp();
  const stream = dispatcher.events('price.*');
  for (const n of [1, 2, 3]) dispatcher.dispatch(n === 2 ? 'price.down' : 'price.up', n);
  const heard: unknown[] = [];
  for await (const event of stream) {
    heard.push(event);
    if (event.data === 3) break;
  }
  expect(heard).toEqual([
    { type: 'price.up', data: 1 },
    { type: 'price.down', data: 2 },
    { type: 'price.up', data: 3 },
  ]);
  expect(stream.closed).toBe(true);
  expect(dispatcher.hasHandlers('price.up')).toBe(false);
});

test('a reader that waits gets the next event', async () => {
  const { dispatcher } = setUp();
  const stream = dispatcher.events('price.up');
  const first = stream.next();
  const second = stream.next();
  dispatcher.dispatch('price.up', 1);
  dispatcher.dispatch('price.up', 2);
  expect((await first).value?.data).toBe(1);
  expect((await second).value?.data).toBe(2);
});

test('a filtered stream yields only what the filter accepts', async () => {
  const { dispatcher } = setUp();
  const stream = dispatcher.events('price.*', { filter: (cents) => cents > 100 });
  for (const n of [50, 150]) dispatcher.dispatch('price.up', n);
  expect((await stream.next()).value?.data).toBe(150);
  expect(dispatcher.counts().total).toMatchObject({ passed: 2, filtered: 1 });
});

test('closing ends the loop, is idempotent, and counts what nobody read', async () => {
  const { world, dispatcher } = setUp();
  const stream = dispatcher.events('price.up');
  const waiting = stream.next();
  expect(stream.closed).toBe(false);
  stream.close();
  stream.close();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(stream.closed).toBe(true);
  const lagging = dispatcher.events('price.up');
  for (const n of [1, 2, 3]) dispatcher.dispatch('price.up', n);
  lagging.close();
  expect(await lagging.next()).toEqual({ done: true, value: undefined });
  await world.settle();
  expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 0, pending: 0, detached: 3 });
});

test('a signal closes a stream, and one that has aborted before opens it closed', async () => {
  const { dispatcher } = setUp();
  const controller = new AbortController();
  const stream = dispatcher.events('price.up', { signal: controller.signal });
  const waiting = stream.next();
  controller.abort();
  expect((await waiting).done).toBe(true);
  const late = dispatcher.events('price.up', { signal: controller.signal });
  expect(late.closed).toBe(true);
  expect((await late.next()).done).toBe(true);
});

test('an awaited dispatch resolves when the reader has taken the event', async () => {
  const { world, dispatcher } = setUp();
  const stream = dispatcher.events('price.up');
  let resolved = false;
  const awaited = dispatcher.dispatchAndWait('price.up', 1).then(() => (resolved = true));
  await world.settle();
  expect(resolved).toBe(false);
  await stream.next();
  await awaited;
});

test('read with acknowledgement, the publisher waits until the reader says done, which it may say twice', async () => {
  const { world, dispatcher } = setUp();
  const reader = dispatcher.events('price.up').acknowledged();
  let resolved = false;
  const awaited = dispatcher.dispatchAndWait('price.up', 1).then(() => (resolved = true));
  const { value } = await reader.next();
  await world.settle();
  expect(value?.event).toEqual({ type: 'price.up', data: 1 });
  expect(resolved).toBe(false);
  value?.done();
  value?.done();
  await awaited;
  expect(dispatcher.counts().total).toMatchObject({ passed: 1, delivered: 1 });
});

test('done does nothing on an event that nobody awaits', async () => {
  const { world, dispatcher, reported } = setUp();
  const reader = dispatcher.events('price.up').acknowledged();
  dispatcher.dispatch('price.up', 1);
  const { value } = await reader.next();
  value?.done();
  await world.settle();
  expect(reported).toEqual([]);
});

test('of two events that were asked for at the same time, each is done when it is, and both at the end', async () => {
  const { world, dispatcher } = setUp();
  const told: string[] = [];
  const plain = dispatcher.events('price.up');
  const reads = [plain.next(), plain.next()];
  for (const total of [1, 2]) {
    void dispatcher.dispatchAndWait('price.up', total).then(() => told.push(`read ${total}`));
  }
  await Promise.all(reads);
  await world.settle();
  expect(told).toEqual(['read 1', 'read 2']);
  plain.close();
  const stream = dispatcher.events('price.up');
  const reader = stream.acknowledged();
  const [first] = [reader.next(), reader.next()];
  for (const total of [3, 4]) {
    void dispatcher.dispatchAndWait('price.up', total).then(() => told.push(`done ${total}`));
  }
  (await first).value?.done();
  await world.settle();
  expect(told.slice(2)).toEqual(['done 3']);
  stream.close();
  await world.settle();
  expect(told.slice(3)).toEqual(['done 4']);
  expect(dispatcher.counts().total.pending).toBe(0);
});

test('asking for the next says that the one before is done, so that nobody waits for ever', async () => {
  const { dispatcher } = setUp();
  const stream = dispatcher.events('price.up');
  const first = dispatcher.dispatchAndWait('price.up', 1);
  dispatcher.dispatch('price.up', 2);
  const heard: number[] = [];
  for await (const { event } of stream.acknowledged()) {
    heard.push(event.data);
    if (event.data === 2) break;
    void first.then(() => heard.push(0));
  }
  expect(heard).toEqual([1, 0, 2]);
  expect(stream.closed).toBe(true);
});

test('one stream is read in one way: mixing the two throws', async () => {
  const { dispatcher } = setUp();
  const plain = dispatcher.events('price.up');
  dispatcher.dispatch('price.up', 1);
  await plain.next();
  expect(() => plain.acknowledged()).toThrow(expect.objectContaining({ name: 'Misused' }));
  const acknowledged = dispatcher.events('price.up');
  acknowledged.acknowledged();
  await expect(acknowledged.next()).rejects.toMatchObject({ name: 'Misused' });
});

test('a slow reader never stalls the others, and its queue is bounded as it chose', async () => {
  const { world, dispatcher } = setUp();
  const heard: number[] = [];
  const stream = dispatcher.events('price.up', { capacity: 2, overflow: dropOldest });
  dispatcher.on('price.up', (n) => heard.push(n));
  for (const n of [1, 2, 3, 4]) dispatcher.dispatch('price.up', n);
  expect(heard).toEqual([1, 2, 3, 4]);
  expect((await stream.next()).value?.data).toBe(3);
  expect((await stream.next()).value?.data).toBe(4);
  await world.settle();
  expect(dispatcher.counts().total).toMatchObject({ passed: 8, delivered: 6, overflow: 2 });
});

test('closing the dispatcher ends every stream', async () => {
  const { world, dispatcher } = setUp();
  const heard: number[] = [];
  const loop = (async () => {
    for await (const { data } of dispatcher.events('price.up')) heard.push(data);
  })();
  for (const n of [1, 2, 3]) dispatcher.dispatch('price.up', n);
  await dispatcher.close();
  await loop;
  expect(heard).toEqual([1, 2, 3]);
  expect(world.timers).toBe(0);
});

test('what a reader waited for, and is counted as delivered, it gets, also where the stream is closed at once', async () => {
  const { dispatcher } = setUp();
  const stream = dispatcher.events('price.up');
  const reader = stream.acknowledged();
  const reading = reader.next();
  const awaited = dispatcher.dispatchAndWait('price.up', 1);
  stream.close();
  expect((await reading).value?.event.data).toBe(1);
  await awaited;
  expect(await reader.next()).toEqual({ done: true, value: undefined });
  expect(dispatcher.counts().total).toMatchObject({ passed: 1, delivered: 1 });
});

test('leaving twice, while a read is under way, ends the stream once', async () => {
  const { dispatcher } = setUp();
  for (const open of [() => dispatcher.events('price.up'), () => dispatcher.events('price.up').acknowledged()]) {
    const stream = open();
    const reading = stream.next();
    const left = [stream.return?.(), stream.return?.()];
    dispatcher.dispatch('price.up', 1);
    for (const each of [reading, ...left]) expect(await each).toEqual({ done: true, value: undefined });
  }
  expect(dispatcher.counts()).toMatchObject({ total: { passed: 0 }, handlers: [] });
});

test('a loop that breaks with an event in hand lets go of who awaits it', async () => {
  const { dispatcher } = setUp();
  const stream = dispatcher.events('price.up');
  const awaited = Promise.all([dispatcher.dispatchAndWait('price.up', 1), dispatcher.dispatchAndWait('price.up', 2)]);
  for await (const { event } of stream.acknowledged()) {
    expect(event.data).toBe(1);
    break;
  }
  await awaited;
});
