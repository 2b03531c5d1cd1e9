// What makes no sense is refused with a name and a cure, and nothing hangs.
import { describe, expect, test } from 'vitest';
import { createBatcher } from './batcher/batcher.ts';
import { createBroker } from './broker/broker.ts';
import { defineEvent } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { withWaiting } from './await.ts';
import { createDispatcher } from './dispatcher.ts';
import { dispatcherFor, dispatchEvent, onEvent } from './global.ts';
import { createProcessor } from './queue/processor.ts';
import { createHandQueue } from './queue/queue.ts';
import { withStreams } from './stream/stream.ts';
import { idempotent } from './wrap/idempotent.ts';
import { withRecovery } from './wrap/recover.ts';
import { retry } from './wrap/retry.ts';
import { withTimeout, withTimeouts } from './wrap/timeout.ts';

const dispatcher = withTimeouts(withStreams(withWaiting(createDispatcher())));
const nothing = (): void => {};
const refused = (message: string): unknown =>
  expect.objectContaining({ name: 'InvalidOptions', message: expect.stringContaining(message) });

test.each(['', 'order.', '.placed', 'order..placed', 'order.pl*'])(
  '%j is refused as a name or a pattern',
  (pattern) => {
    expect(() => dispatcher.on(pattern, nothing)).toThrow(expect.objectContaining({ name: 'InvalidPattern' }));
    expect(() => dispatcher.events(pattern)).toThrow(expect.objectContaining({ name: 'InvalidPattern' }));
  },
);

test.each(['', 'order.', 'order..placed'])('an event of the name %j is refused', (name) => {
  expect(() => dispatcher.dispatch(name, 1)).toThrow(expect.objectContaining({ name: 'InvalidPattern' }));
});

test('a name that is none is refused also after handlers have come and gone', () => {
  dispatcher.dispatch('n', 1);
  dispatcher.on('n', nothing)();
  for (const name of ['', '*', 'n.']) {
    expect(() => dispatcher.dispatch(name, 1)).toThrow(expect.objectContaining({ name: 'InvalidPattern' }));
  }
});

test.each([undefined, null, 7, {}])('an event that is named %j is refused, and the next one comes through', (name) => {
  const shop = createDispatcher();
  const heard: unknown[] = [];
  shop.on('n', (data) => void heard.push(data));
  for (const data of ['first', 'second']) {
    expect(() => shop.dispatch(name as never, 1)).toThrow();
    shop.dispatch('n', data);
  }
  expect(heard).toEqual(['first', 'second']);
});

test.each([undefined, null])('an awaited event that is named %j is refused by a rejection', async (name) => {
  await expect(dispatcher.dispatchAndWait(name as never, 1)).rejects.toBeInstanceOf(TypeError);
});

test('null is nothing said, wherever options are taken', async () => {
  const none = null as never;
  const shop = withTimeouts(withStreams(withWaiting(createDispatcher(none))));
  const heard: unknown[] = [];
  const hear = (data: unknown): void => void heard.push(data);
  shop.on('n', hear, none);
  const stream = shop.events('n', none);
  shop.dispatch('n', 1, none);
  expect(await stream.next()).toMatchObject({ value: { data: 1 } });
  stream.close();
  await shop.dispatchAndWait('n', 2, none);
  await shop.close(none);

  const broker = createBroker(none);
  broker.subscribe({ send: hear }, none);
  broker.publish('n', 3);
  await broker.close(none);
  const processor = createProcessor(hear, none);
  await processor.process(4, none);
  await processor.close(none);
  const batcher = createBatcher({ flush: (items: readonly unknown[]) => void heard.push(...items) });
  batcher.add(5);
  await batcher.flush(none);
  await batcher.close(none);
  const queue = createHandQueue(hear, none);
  queue.add(6);
  await queue.flush();
  const call = { attempt: 1, signal: new AbortController().signal } as never;
  await retry(hear, none)(7, call);
  await withTimeout(hear, 1000, none)(8, call);
  expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('an event cannot be named by a pattern', async () => {
  expect(() => dispatcher.dispatch('order.*', 1)).toThrow(expect.objectContaining({ name: 'InvalidPattern' }));
  await expect(dispatcher.dispatchAndWait('**', 1)).rejects.toMatchObject({ name: 'InvalidPattern' });
});

test.each([undefined, null, 'a word', {}])('a handler that is %j is refused', (handler) => {
  expect(() => dispatcher.on('n', handler as never)).toThrow(refused('expected a function'));
});

test.each([
  [{ capacity: -1 }, 'capacity of at least 0; got -1'],
  [{ capacity: 1.5 }, 'capacity of at least 0; got 1.5'],
  [{ capacity: Number.NaN }, 'capacity of at least 0; got NaN'],
  [{ concurrency: 0 }, 'concurrency of at least 1; got 0'],
  [{ concurrency: -1 }, 'concurrency of at least 1; got -1'],
  [{ concurrency: Number.NaN }, 'concurrency of at least 1; got NaN'],
  [{ filter: 'yes' as never }, 'expected a function; got yes'],
  [{ overflow: 'dropOldest' as never }, 'expected a function; got dropOldest'],
  [{ capacity: '' as never }, 'capacity of at least 0; got '],
  [{ capacity: null as never }, 'capacity of at least 0; got null'],
  [{ capacity: [] as never }, 'capacity of at least 0; got '],
  [{ concurrency: '2' as never }, 'concurrency of at least 1; got 2'],
  [{ signal: new AbortController() as never }, 'expected an AbortSignal; got [object AbortController]'],
])('the options %j are refused', (options, message) => {
  expect(() => dispatcher.on('n', nothing, options)).toThrow(refused(message));
});

test.each([0, -1, Number.NaN, 1.5])('a time bound of %d ms is refused', (timeoutMs) => {
  expect(() => dispatcher.on('n', nothing, { timeoutMs })).toThrow(
    refused(`timeoutMs of at least 1; got ${timeoutMs}`),
  );
});

test('an awaited dispatch whose signal is none is refused before anybody hears it', async () => {
  const shop = withWaiting(createDispatcher());
  shop.on('n', () => Promise.reject(new Error('heard')));
  const signal = new AbortController() as never;
  await expect(shop.dispatchAndWait('n', 1, { signal })).rejects.toEqual(refused('expected an AbortSignal'));
  expect(shop.counts().published).toBe(0);
});

test('what is refused leaves no handler behind', () => {
  expect(dispatcher.counts().handlers).toEqual([]);
  expect(dispatcher.hasHandlers('n')).toBe(false);
});

describe('numbers that make no sense are refused', () => {
  test.each([
    ['an awaited dispatch', () => dispatcher.dispatchAndWait('n', 1, { timeoutMs: -1 })],
    ['a batcher', async () => createBatcher({ flush: nothing, sizeMax: 0 })],
    ['a batcher that can never fill a batch', async () => createBatcher({ flush: nothing, sizeMax: 10, capacity: 5 })],
    ['a processor', async () => createProcessor(nothing, { workers: 0 })],
    ['a processor of negative capacity', async () => createProcessor(nothing, { capacity: -1 })],
    ['a stream of negative capacity', async () => dispatcher.events('n', { capacity: -1 })],
    ['a subscriber of negative capacity', async () => createBroker().subscribe({ send: nothing }, { capacity: -1 })],
    ['a queue', async () => createHandQueue(nothing, { capacity: 0 })],
    ['retry', async () => retry(nothing, { attempts: 0 })],
    ['retry with a wait that is none', async () => retry(nothing, { baseMs: Number.NaN })],
    ['retry with a cap that is none', async () => retry(nothing, { capMs: -1 })],
    ['a batcher that waits for no time', async () => createBatcher({ flush: nothing, afterMs: Number.NaN })],
    ['idempotent', async () => idempotent(nothing, { key: nothing, lifetimeMs: -1 })],
    ['a timeout', async () => withTimeout(nothing, 0)],
  ])('%s', async (_, make) => {
    await expect(make()).rejects.toMatchObject({ name: 'InvalidOptions' });
  });
});

describe('what is no function is refused where it is given, not when it is first called', () => {
  const none = 'later' as never;
  test.each([
    ['a batcher', () => createBatcher({ flush: none })],
    ['a processor', () => createProcessor(none)],
    ['a queue', () => createHandQueue(none)],
    ['retry', () => retry(none)],
    ['idempotent', () => idempotent(none, { key: nothing })],
    ['the key of idempotent', () => idempotent(nothing, { key: none })],
    ['a timeout', () => withTimeout(none, 1)],
    ['recovery', () => withRecovery(none, nothing)],
    ['what recovers', () => withRecovery(nothing, none)],
    ['the send of a subscriber', () => createBroker().subscribe({ send: none })],
    // Where failures go: they would go nowhere.
    ['the reporter of a dispatcher', () => createDispatcher({ report: none })],
    ['the reporter of a broker', () => createBroker({ report: none })],
    ['the reporter of a batcher', () => createBatcher({ flush: nothing, report: none })],
    ['the reporter of a timeout', () => withTimeout(nothing, 1, { report: none })],
  ])('%s', (_, make) => {
    expect(make).toThrow(refused('expected a function; got later'));
  });
});

test('what happens to a slow subscriber is skip or disconnect', () => {
  const broker = createBroker();
  expect(() => broker.subscribe({ send: nothing }, { onSlow: 'drop' as never })).toThrow(
    refused('expected skip or disconnect; got drop'),
  );
  expect(broker.stats().subscriberCount).toBe(0);
});

describe('after its end, with a named error or an answer, and never for ever', () => {
  test('a processor refuses tasks', async () => {
    const processor = createProcessor(nothing);
    await processor.close();
    expect(() => processor.submit(1)).toThrow(expect.objectContaining({ name: 'Closed' }));
    await expect(processor.process(1)).rejects.toMatchObject({ name: 'Closed' });
  });

  test('a broker refuses events and subscribers, and counts on', async () => {
    const broker = createBroker();
    await broker.close();
    expect(() => broker.publish('n', 1)).toThrow(expect.objectContaining({ name: 'Closed' }));
    expect(() => broker.subscribe({ send: nothing })).toThrow(expect.objectContaining({ name: 'Closed' }));
    expect(broker.stats()).toMatchObject({ published: 0, subscriberCount: 0 });
  });

  test('a batcher refuses items', async () => {
    const batcher = createBatcher({ flush: nothing });
    await batcher.close();
    expect(() => batcher.add(1)).toThrow(expect.objectContaining({ name: 'Closed' }));
    await batcher.flush();
  });

  test('a stream answers that it has ended, read in either way', async () => {
    const own = withStreams(createDispatcher());
    const [plain, acknowledged] = [own.events('n'), own.events('n')];
    const reader = acknowledged.acknowledged();
    await own.close();
    for (const each of [plain, reader]) expect(await each.next()).toEqual({ done: true, value: undefined });
  });
});

test('what is not closed, since its time makes no sense, goes on', async () => {
  const broker = createBroker<number>();
  const closes: string[] = [];
  const leave = broker.subscribe({ send: nothing, close: (reason) => closes.push(reason) });
  await expect(broker.close({ timeoutMs: Number.NaN })).rejects.toEqual(refused('timeoutMs of at least 0'));
  expect([leave(), closes]).toEqual([true, ['unsubscribed']]);
  const definition = defineEvent('order.placed', { schema: payload<number>() });
  const heard: number[] = [];
  onEvent(definition, (n) => heard.push(n));
  await expect(dispatcherFor(definition).close({ timeoutMs: -1 })).rejects.toEqual(refused('timeoutMs of at least 0'));
  dispatchEvent(definition, 1);
  expect(heard).toEqual([1]);
});

test('a filter of a stream or a subscriber that throws is reported, and its neighbours hear the event', async () => {
  const reported: unknown[] = [];
  const report = (failure: unknown): unknown => reported.push(failure);
  const filter = (): boolean => {
    throw new Error('undecided');
  };
  const own = withStreams(createDispatcher<{ n: number }>({ report }));
  const heard = own.events('n');
  own.events('n', { filter });
  own.dispatch('n', 1);
  expect(await heard.next()).toMatchObject({ value: { data: 1 } });
  const broker = createBroker<number>({ report });
  const sent: number[] = [];
  broker.subscribe({ send: nothing }, { filter });
  broker.subscribe({ send: (n) => sent.push(n) });
  broker.publish('n', 2);
  await broker.close();
  expect(sent).toEqual([2]);
  expect(reported).toMatchObject([
    { name: 'HandlerFailed', message: expect.stringContaining('undecided') },
    { name: 'HandlerFailed', message: expect.stringContaining('undecided') },
  ]);
});
