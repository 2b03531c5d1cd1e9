// Handlers that dispatch: order, depth, and an end to what would go round for ever.
import { expect, test } from 'vitest';
import type { Failure } from '../failure.ts';
import { createTestWorld, type TestWorld } from '../testing/world.ts';
import type { Dispatcher } from './contract.ts';
import { createDispatcher } from './dispatcher.ts';
import { depthMax, heldMax } from './limits.ts';

function setUp(): { world: TestWorld; dispatcher: Dispatcher<Record<string, number>>; reported: Failure[] } {
  const world = createTestWorld();
  const reported: Failure[] = [];
  return { world, reported, dispatcher: createDispatcher({ world, report: (failure) => reported.push(failure) }) };
}

test('what a handler dispatches is taken up once the event at hand has reached all its handlers', () => {
  const { dispatcher } = setUp();
  const heard: string[] = [];
  dispatcher.on('a', () => {
    dispatcher.dispatch('b', 1);
    heard.push('a first');
  });
  dispatcher.on('**', (_, { type }) => heard.push(`all ${type}`));
  dispatcher.dispatch('a', 1);
  expect(heard).toEqual(['a first', 'all a', 'all b']);
});

test('a handler that dispatches what it hears ends with TooDeep, and not with a stack overflow', () => {
  const { dispatcher, reported } = setUp();
  let calls = 0;
  dispatcher.on('again', (n) => {
    calls += 1;
    dispatcher.dispatch('again', n + 1);
  });
  dispatcher.dispatch('again', 1);
  expect(calls).toBe(depthMax + 1);
  expect(reported).toMatchObject([{ name: 'HandlerFailed', cause: { name: 'TooDeep' } }]);
  expect(reported[0]?.message).toContain('is it a circle?');
  // And then it works as before.
  const heard: number[] = [];
  dispatcher.on('other', (n) => heard.push(n));
  dispatcher.dispatch('other', 1);
  expect(heard).toEqual([1]);
});

test('a circle of two, and an asynchronous one, end too', async () => {
  const { world, dispatcher, reported } = setUp();
  dispatcher.on('ping', (n) => dispatcher.dispatch('pong', n));
  dispatcher.on('pong', (n) => dispatcher.dispatch('ping', n));
  dispatcher.dispatch('ping', 1);
  expect(reported).toMatchObject([{ cause: { name: 'TooDeep' } }]);
  dispatcher.on('again', async (n) => dispatcher.dispatch('again', n));
  dispatcher.dispatch('again', 1);
  for (let turn = 0; turn < 100; turn += 1) await world.settle();
  expect(reported).toHaveLength(2);
  expect(dispatcher.counts().total.pending).toBe(0);
});

test('a handler that waits before it dispatches again may go on for ever', async () => {
  const { world, dispatcher, reported } = setUp();
  let ticks = 0;
  const stop = dispatcher.on('tick', async (n) => {
    ticks += 1;
    await new Promise<void>((resolve) => world.after(1, resolve));
    dispatcher.dispatch('tick', n);
  });
  dispatcher.dispatch('tick', 1);
  await world.advance(depthMax + 100);
  stop();
  expect(ticks).toBeGreaterThan(depthMax);
  expect(reported).toEqual([]);
});

test('events that multiply end with QueueFull', () => {
  const { dispatcher } = setUp();
  let refused = 0;
  const stop = dispatcher.on('flood', (n) => {
    if (n > 0) return;
    try {
      for (;;) dispatcher.dispatch('flood', 1);
    } catch (error) {
      refused += (error as Failure).name === 'QueueFull' ? 1 : 0;
    }
  });
  dispatcher.dispatch('flood', 0);
  stop();
  expect(refused).toBe(1);
  expect(dispatcher.counts()).toMatchObject({ published: heldMax + 1, held: 0 });
});

test('two dispatchers that feed each other end with TooDeep as well', () => {
  const alice = setUp();
  const bob = setUp();
  let calls = 0;
  alice.dispatcher.on('ball', (n) => {
    calls += 1;
    bob.dispatcher.dispatch('ball', n);
  });
  bob.dispatcher.on('ball', (n) => alice.dispatcher.dispatch('ball', n));
  alice.dispatcher.dispatch('ball', 1);
  expect([...alice.reported, ...bob.reported]).toMatchObject([{ cause: { name: 'TooDeep' } }]);
  expect(calls).toBeGreaterThan(1);
});
