// Before the start, and the end: what is held, what is still handled, what is counted as dropped.
import { expect, test } from 'vitest';
import type { Failure } from '../failure.ts';
import { createTestWorld, type TestWorld } from '../testing/world.ts';
import { type Waiting, withWaiting } from './await.ts';
import type { Dispatcher } from './contract.ts';
import { createDispatcher } from './dispatcher.ts';
import { closeMs, heldMax } from './limits.ts';
import { type Streams, withStreams } from './stream/stream.ts';

interface Events {
  n: number;
}

function setUp(held = false): {
  world: TestWorld;
  dispatcher: Dispatcher<Events> & Waiting<Events> & Streams<Events>;
  reported: Failure[];
} {
  const world = createTestWorld();
  const reported: Failure[] = [];
  const report = (failure: Failure): number => reported.push(failure);
  const dispatcher = withStreams(withWaiting(createDispatcher<Events>({ world, report, held })));
  return { world, reported, dispatcher };
}

test('before the start, subscribing and dispatching do not block, and events are held in their order', async () => {
  const { dispatcher } = setUp(true);
  const heard: number[] = [];
  dispatcher.dispatch('n', 1);
  dispatcher.on('n', (n) => heard.push(n));
  const awaited = dispatcher.dispatchAndWait('n', 2);
  expect(heard).toEqual([]);
  expect(dispatcher.counts()).toMatchObject({ published: 2, held: 2 });
  dispatcher.start();
  expect(heard).toEqual([1, 2]);
  await awaited;
  dispatcher.dispatch('n', 3);
  expect(heard).toEqual([1, 2, 3]);
});

test('what is held before the start has a bound', () => {
  const { dispatcher } = setUp(true);
  for (let n = 0; n < heldMax; n += 1) dispatcher.dispatch('n', n);
  expect(() => dispatcher.dispatch('n', 0)).toThrow(
    expect.objectContaining({ name: 'QueueFull', message: `event queue full: ${heldMax} events wait` }),
  );
  expect(dispatcher.counts().published).toBe(heldMax);
});

test('what was given up before the start is not handed out, and counted as cancelled', async () => {
  const { world, dispatcher } = setUp(true);
  const heard: number[] = [];
  dispatcher.on('n', (n) => heard.push(n));
  const settled = dispatcher.dispatchAndWait('n', 1, { timeoutMs: 10 }).catch((error: unknown) => error);
  dispatcher.dispatch('n', 2);
  await world.advance(10);
  expect(await settled).toMatchObject({ name: 'TimedOut', message: expect.stringContaining('none had begun') });
  dispatcher.start();
  expect(heard).toEqual([2]);
  expect(dispatcher.counts()).toMatchObject({
    published: 2,
    held: 0,
    total: { passed: 2, delivered: 1, cancelled: 1 },
  });
});

test('counts are right also in the middle of what was held', () => {
  const { dispatcher } = setUp(true);
  const held: number[] = [];
  dispatcher.on('n', () => held.push(dispatcher.counts().held));
  for (const n of [1, 2, 3]) dispatcher.dispatch('n', n);
  dispatcher.start();
  expect(held).toEqual([2, 1, 0]);
});

test('starting twice is starting once, and one that was never held has nothing to start', () => {
  const { dispatcher } = setUp(true);
  const heard: number[] = [];
  dispatcher.on('n', (n) => {
    heard.push(n);
    dispatcher.start();
  });
  for (const n of [1, 2]) dispatcher.dispatch('n', n);
  dispatcher.start();
  dispatcher.start();
  expect(heard).toEqual([1, 2]);
  const never = setUp().dispatcher;
  never.on('n', (n) => heard.push(n));
  never.start();
  never.dispatch('n', 3);
  expect(heard).toEqual([1, 2, 3]);
});

test('closing waits for what is waiting and running', async () => {
  const { world, dispatcher } = setUp();
  const heard: number[] = [];
  dispatcher.on('n', (n) => new Promise<void>((resolve) => world.after(10, () => resolve(void heard.push(n)))));
  for (const n of [1, 2, 3]) dispatcher.dispatch('n', n);
  const closing = dispatcher.close();
  await world.advance(30);
  await closing;
  expect(heard).toEqual([1, 2, 3]);
  expect(dispatcher.hasHandlers('n')).toBe(false);
  expect(world.timers).toBe(0);
});

test('closing is bounded in time: then signals abort, and what was left is counted as closed', async () => {
  const { world, dispatcher } = setUp();
  let signal: AbortSignal | undefined;
  dispatcher.on('n', (_, call) => {
    ({ signal } = call);
    return new Promise(() => {});
  });
  for (const n of [1, 2, 3]) dispatcher.dispatch('n', n);
  const awaited = dispatcher.dispatchAndWait('n', 4).catch((error: unknown) => error);
  let closed = false;
  const closing = dispatcher.close().then(() => (closed = true));
  await world.advance(closeMs - 1);
  expect(closed).toBe(false);
  await world.advance(1);
  await closing;
  expect(signal?.aborted).toBe(true);
  expect(await awaited).toMatchObject({ name: 'DispatchFailed', failures: [{ name: 'Closed' }] });
  expect(dispatcher.counts().total).toMatchObject({ passed: 4, pending: 1, closed: 3 });
});

test('closing with no time cancels: nothing is handled after it', () => {
  const { dispatcher } = setUp();
  const heard: string[] = [];
  dispatcher.on('n', (n) => {
    heard.push(`first ${n}`);
    void dispatcher.close({ timeoutMs: 0 });
  });
  dispatcher.on('n', (n) => heard.push(`second ${n}`));
  dispatcher.dispatch('n', 1);
  expect(heard).toEqual(['first 1']);
  expect(dispatcher.counts().total).toMatchObject({ passed: 2, delivered: 1, closed: 1 });
});

test('a handler that closes the dispatcher: what it had dispatched before is handed out, and waited for', async () => {
  const { world, dispatcher } = setUp();
  const heard: string[] = [];
  let closing: Promise<void> | undefined;
  dispatcher.on('n', (n) => {
    if (n > 1) return undefined;
    dispatcher.dispatch('n', 2);
    dispatcher.dispatch('n', 3);
    closing = dispatcher.close().then(() => void heard.push('closed'));
    return undefined;
  });
  dispatcher.on('n', async (n, { signal }) => {
    await new Promise<void>((resolve) => world.after(10, resolve));
    heard.push(`${n} ${signal.aborted}`);
  });
  dispatcher.on('n', () => {}, { filter: () => true });
  dispatcher.dispatch('n', 1);
  await world.advance(30);
  await closing;
  expect(heard).toEqual(['1 false', '2 false', '3 false', 'closed']);
  expect(world.timers).toBe(0);
});

test('a handler that cancels: what it had dispatched before is counted as dropped, and who awaits it is told', async () => {
  const { world, dispatcher } = setUp();
  const told: unknown[] = [];
  const heard: number[] = [];
  dispatcher.on('n', (n) => {
    heard.push(n);
    dispatcher.dispatch('n', 2);
    void dispatcher.dispatchAndWait('n', 3).catch((error: unknown) => told.push(error));
    void dispatcher.close({ timeoutMs: 0 });
    const { published, held, dropped } = dispatcher.counts();
    expect({ published, held, dropped }).toEqual({ published: 3, held: 2, dropped: 0 });
  });
  dispatcher.dispatch('n', 1);
  await world.settle();
  expect(heard).toEqual([1]);
  expect(told).toMatchObject([{ name: 'Closed' }]);
  expect(dispatcher.counts()).toMatchObject({ published: 3, held: 0, dropped: 2, total: { passed: 1, delivered: 1 } });
});

test('what runs in a handler of one event only is told when it is stopped, by its signal, or by closing', async () => {
  const { world, dispatcher } = setUp();
  const signals: AbortSignal[] = [];
  const stopped: number[] = [];
  const controller = new AbortController();
  const ends: (() => void)[] = [];
  const handler = (_: number, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
    signals.push(signal);
    return new Promise((resolve) => ends.push(resolve));
  };
  const once = { once: true, onStop: () => void stopped.push(ends.length) };
  const stop = dispatcher.on('n', handler, once);
  dispatcher.on('n', handler, { ...once, signal: controller.signal });
  dispatcher.on('n', handler, once);
  dispatcher.on('n', handler, once);
  dispatcher.dispatch('n', 1);
  expect(dispatcher.hasHandlers('n')).toBe(false);
  dispatcher.dispatch('n', 2);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false, false]);
  expect([stop(), stop()]).toEqual([true, false]);
  controller.abort();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false, false]);
  ends[2]?.();
  await world.settle();
  void dispatcher.close({ timeoutMs: 0 });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false, true]);
  for (const end of ends) end();
  await world.settle();
  expect(stopped).toHaveLength(4);
  expect(dispatcher.counts()).toMatchObject({ published: 2, total: { passed: 4, delivered: 4, pending: 0 } });
});

test('a handler that closes the dispatcher and waits for it does not hang', async () => {
  const { world, dispatcher } = setUp();
  let closed = false;
  dispatcher.on('n', async () => {
    await dispatcher.close();
    closed = true;
  });
  dispatcher.dispatch('n', 1);
  await world.advance(closeMs);
  expect(closed).toBe(true);
});

test('what was held when it closes is counted, and who awaits it is told', async () => {
  const { dispatcher } = setUp(true);
  dispatcher.on('n', () => {});
  dispatcher.dispatch('n', 1);
  const awaited = dispatcher.dispatchAndWait('n', 2);
  void dispatcher.close();
  await expect(awaited).rejects.toMatchObject({ name: 'Closed' });
  expect(dispatcher.counts()).toMatchObject({ published: 2, held: 0, dropped: 2 });
});

test.each([Number.NaN, -1, 1.5, '', '10'])('closing within %j ms is refused, and closes nothing', async (timeoutMs) => {
  const { dispatcher } = setUp();
  const heard: number[] = [];
  dispatcher.on('n', (n) => heard.push(n));
  await expect(dispatcher.close({ timeoutMs: timeoutMs as number })).rejects.toMatchObject({
    name: 'InvalidOptions',
    message: `expected timeoutMs of at least 0; got ${timeoutMs}`,
  });
  dispatcher.dispatch('n', 1);
  expect(heard).toEqual([1]);
});

test('what is told of a handler that stops, and throws, is reported, and the others stop too', async () => {
  const { dispatcher, reported } = setUp();
  const stopped: string[] = [];
  const onStop = (): never => {
    throw new Error('no farewell');
  };
  dispatcher.on('n', () => {}, { onStop, name: 'first' });
  dispatcher.on('n', () => {}, { onStop, name: 'once', once: true });
  dispatcher.on('n', () => {}, { onStop: () => stopped.push('third') });
  dispatcher.dispatch('n', 1);
  await dispatcher.close();
  expect(stopped).toEqual(['third']);
  expect(reported.map(({ message }) => message)).toEqual([
    'the handler "once" failed on "n": no farewell',
    'the handler "first" failed on "n": no farewell',
  ]);
  expect(dispatcher.counts().handlers).toEqual([]);
});

test('closing twice is closing once', async () => {
  const { dispatcher } = setUp();
  await Promise.all([dispatcher.close(), dispatcher.close()]);
  await dispatcher.close();
});

test('after closing, everything but stopping and counting throws Closed', async () => {
  const { dispatcher } = setUp();
  const stop = dispatcher.on('n', () => {});
  const reading = dispatcher.events('n');
  await dispatcher.close();
  const closed = expect.objectContaining({ name: 'Closed', message: 'it was closed; make another' });
  expect(() => dispatcher.dispatch('n', 1)).toThrow(closed);
  expect(() => dispatcher.on('n', () => {})).toThrow(closed);
  expect(() => dispatcher.events('n')).toThrow(closed);
  await expect(dispatcher.dispatchAndWait('n', 1)).rejects.toEqual(closed);
  expect(reading.closed).toBe(true);
  expect(stop()).toBe(false);
  expect(dispatcher.counts().published).toBe(0);
});
