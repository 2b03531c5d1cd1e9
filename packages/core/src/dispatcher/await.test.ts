import { expect, test } from 'vitest';
import type { Failure } from '../failure.ts';
import { createTestWorld, type TestWorld } from '../testing/world.ts';
import { awaitMs, type Waiting, withWaiting } from './await.ts';
import type { Dispatcher } from './contract.ts';
import { createDispatcher } from './dispatcher.ts';

interface Events {
  'order.placed': number;
  'order.paid': number;
}

function setUp(): { world: TestWorld; dispatcher: Dispatcher<Events> & Waiting<Events>; reported: Failure[] } {
  const world = createTestWorld();
  const reported: Failure[] = [];
  return {
    world,
    reported,
    dispatcher: withWaiting(createDispatcher<Events>({ world, report: (failure) => reported.push(failure) })),
  };
}

/** Something to wait for, and the way to end it. */
function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

test('an awaited dispatch resolves when all handlers have ended', async () => {
  const { world, dispatcher } = setUp();
  const heard: string[] = [];
  const { opened, open } = gate();
  dispatcher.on('order.placed', () => heard.push('at once'));
  dispatcher.on('order.placed', () => opened.then(() => heard.push('later')));
  const awaited = dispatcher.dispatchAndWait('order.placed', 1).then(() => heard.push('resolved'));
  await world.settle();
  expect(heard).toEqual(['at once']);
  open();
  await awaited;
  expect(heard).toEqual(['at once', 'later', 'resolved']);
});

test('an awaited dispatch without receivers resolves', async () => {
  const { dispatcher } = setUp();
  await dispatcher.dispatchAndWait('order.placed', 1);
  await dispatcher.dispatchAndWait('order.placed', 1, { sequential: true });
});

test('all failures come back together, each with its handler, its event and its stack', async () => {
  const { dispatcher, reported } = setUp();
  const heard: string[] = [];
  dispatcher.on('order.placed', function charge() {
    throw new Error('card refused');
  });
  dispatcher.on('order.*', async function mail() {
    throw new Error('no address');
  });
  dispatcher.on('order.placed', () => heard.push('neighbour'));
  await expect(dispatcher.dispatchAndWait('order.placed', 7)).rejects.toMatchObject({
    name: 'DispatchFailed',
    message:
      '"order.placed": the handler "charge" failed on "order.placed": card refused; ' +
      'the handler "mail" failed on "order.placed": no address',
    failures: [
      { handler: 'charge', event: { type: 'order.placed', data: 7 }, stack: expect.stringContaining('charge') },
      { handler: 'mail', event: { type: 'order.placed', data: 7 }, stack: expect.stringContaining('mail') },
    ],
  });
  expect(heard).toEqual(['neighbour']);
  // Whoever awaits has them; the reporter is for what nobody awaits.
  expect(reported).toEqual([]);
});

test('handlers run one after the other, in the order in which they were added, where that is chosen', async () => {
  const { world, dispatcher } = setUp();
  const heard: string[] = [];
  const { opened, open } = gate();
  dispatcher.on('order.placed', async () => {
    await opened;
    heard.push('first');
  });
  dispatcher.on('order.*', () => heard.push('second'));
  dispatcher.on('order.placed', async () => heard.push('third'));
  const awaited = dispatcher.dispatchAndWait('order.placed', 1, { sequential: true });
  await world.settle();
  expect(heard).toEqual([]);
  open();
  await awaited;
  expect(heard).toEqual(['first', 'second', 'third']);
});

test('one after the other, a failure does not stop the rest, unless that is chosen too', async () => {
  const { dispatcher } = setUp();
  const heard: string[] = [];
  dispatcher.on('order.placed', () => heard.push('first'));
  dispatcher.on('order.placed', async function charge() {
    throw new Error('card refused');
  });
  dispatcher.on('order.placed', () => heard.push('third'));
  await expect(dispatcher.dispatchAndWait('order.placed', 1, { sequential: true })).rejects.toMatchObject({
    failures: [{ handler: 'charge' }],
  });
  expect(heard).toEqual(['first', 'third']);
  await expect(dispatcher.dispatchAndWait('order.placed', 1, { stopAtFirst: true })).rejects.toMatchObject({
    name: 'DispatchFailed',
    message: expect.stringMatching(/^"order\.placed": .*card refused$/),
  });
  expect(heard).toEqual(['first', 'third', 'first']);
});

test('time runs out: the caller is told which handlers had not ended, and nothing is left behind', async () => {
  const { world, dispatcher, reported } = setUp();
  const signals: AbortSignal[] = [];
  dispatcher.on('order.placed', () => {}, { name: 'quick' });
  dispatcher.on(
    'order.placed',
    (_, { signal }) => {
      signals.push(signal);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
    { name: 'stuck' },
  );
  dispatcher.on('order.placed', () => new Promise(() => {}), { name: 'hung' });
  const awaited = dispatcher.dispatchAndWait('order.placed', 1, { timeoutMs: 100 });
  const settled = awaited.catch((error: unknown) => error);
  await world.advance(99);
  expect(signals[0]?.aborted).toBe(false);
  await world.advance(1);
  expect(await settled).toMatchObject({
    name: 'TimedOut',
    message: '"order.placed" was awaited for 100 ms; not ended: stuck, hung',
  });
  expect(signals[0]?.aborted).toBe(true);
  // It rejected when its signal aborted: nobody awaits it any more, so the reporter hears of it.
  expect(reported).toMatchObject([{ handler: 'stuck' }]);
  expect(world.timers).toBe(0);
});

test('an awaited dispatch that was given no bound has one too, so two that wait for each other are told', async () => {
  const { world, dispatcher } = setUp();
  dispatcher.on('order.placed', (_, { type }) => dispatcher.dispatchAndWait(type, 2), { name: 'selfish' });
  const settled = dispatcher.dispatchAndWait('order.placed', 1).catch((error: unknown) => error);
  await world.advance(awaitMs + 2000);
  expect(await settled).toMatchObject({ name: expect.stringMatching(/TimedOut|DispatchFailed/) });
  await world.advance(awaitMs + 2000);
  expect(dispatcher.counts().total.pending).toBe(0);
  expect(world.timers).toBe(0);
});

test('a signal gives up, before and while it is awaited, and is let go of afterwards', async () => {
  const { dispatcher } = setUp();
  const { signal } = new AbortController();
  await expect(dispatcher.dispatchAndWait('order.placed', 1, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: 'Cancelled',
  });
  expect(dispatcher.counts().published).toBe(0);
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => void (add(...args), (listeners += 1));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => void (remove(...args), (listeners -= 1));
  dispatcher.on('order.placed', async () => {});
  await dispatcher.dispatchAndWait('order.placed', 1, { signal });
  expect(listeners).toBe(0);
});

test('a handler that stops listening to its signal finds the one that it listened to', async () => {
  const { world, dispatcher } = setUp();
  const heard: string[] = [];
  dispatcher.on('order.placed', async (_, call) => {
    const hear = (): number => heard.push('aborted');
    call.signal.addEventListener('abort', hear);
    await Promise.resolve();
    call.signal.removeEventListener('abort', hear);
  });
  dispatcher.on('order.placed', () => new Promise(() => {}));
  const awaited = dispatcher.dispatchAndWait('order.placed', 1, { timeoutMs: 10 });
  const told = expect(awaited).rejects.toMatchObject({ name: 'TimedOut' });
  await world.advance(10);
  await told;
  expect(heard).toEqual([]);
});

test('a handler may itself give up the dispatch that it is part of, and who waits is told', async () => {
  const { world, dispatcher } = setUp();
  const giving = new AbortController();
  dispatcher.on('order.placed', () => giving.abort());
  dispatcher.on('order.placed', () => new Promise(() => {}), { name: 'ship' });
  const awaited = dispatcher.dispatchAndWait('order.placed', 1, { signal: giving.signal });
  const told = expect(awaited).rejects.toMatchObject({
    name: 'Cancelled',
    message: expect.stringContaining('not ended: ship'),
  });
  await world.settle();
  await told;
});

test('a thousand dispatches that overlap are each let go of when they end, in whatever order', async () => {
  const { world, dispatcher } = setUp();
  const ends: (() => void)[] = [];
  dispatcher.on('order.placed', () => new Promise<void>((resolve) => ends.push(resolve)), {
    concurrency: Infinity,
  });
  const awaited = Array.from({ length: 1000 }, (_, n) => dispatcher.dispatchAndWait('order.placed', n));
  const [first] = awaited;
  // From both ends and the middle; the first stays.
  for (let index = ends.length - 1; index > 0; index -= 2) ends[index]?.();
  for (let index = 2; index < ends.length; index += 2) ends[index]?.();
  await Promise.all(awaited.slice(1));
  const told = expect(first).rejects.toMatchObject({ name: 'TimedOut' });
  await world.advance(awaitMs + 2000);
  await told;
  expect(world.timers).toBe(0);
});

test('inside a handler, a dispatch can be awaited', async () => {
  const { dispatcher } = setUp();
  const heard: string[] = [];
  dispatcher.on('order.placed', async () => {
    await dispatcher.dispatchAndWait('order.paid', 1);
    heard.push('placed');
  });
  dispatcher.on('order.paid', async () => heard.push('paid'));
  await dispatcher.dispatchAndWait('order.placed', 1);
  expect(heard).toEqual(['paid', 'placed']);
});

test('a handler that stops while it is awaited lets go of who waits', async () => {
  const { world, dispatcher } = setUp();
  const { opened, open } = gate();
  const stop = dispatcher.on('order.placed', () => opened);
  const first = dispatcher.dispatchAndWait('order.placed', 1);
  const second = dispatcher.dispatchAndWait('order.placed', 2);
  stop();
  await second;
  open();
  await first;
  await world.settle();
  expect(dispatcher.counts().total).toMatchObject({ passed: 2, delivered: 1, pending: 0, detached: 1 });
});

test('one after the other keeps the place in which it was dispatched, also inside a handler', async () => {
  const { world, dispatcher } = setUp();
  const heard: number[] = [];
  const counted: unknown[] = [];
  dispatcher.on('order.paid', (n) => {
    heard.push(n);
    const { published, held } = dispatcher.counts();
    counted.push([published, held]);
  });
  dispatcher.on('order.placed', () => {
    void dispatcher.dispatchAndWait('order.paid', 1, { sequential: true });
    dispatcher.dispatch('order.paid', 2);
  });
  dispatcher.dispatch('order.placed', 0);
  await world.settle();
  expect(heard).toEqual([1, 2]);
  expect(counted).toEqual([
    [3, 1],
    [3, 0],
  ]);
});

test('a dispatcher that is made to be awaited twice is awaited in one way', () => {
  const { dispatcher } = setUp();
  const { dispatchAndWait } = dispatcher;
  expect(withWaiting(dispatcher)).toBe(dispatcher);
  expect(dispatcher.dispatchAndWait).toBe(dispatchAndWait);
});
