import { afterEach, expect, test } from 'vitest';
import { defineEvent } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { type DispatchFailure, withWaiting } from './await.ts';
import { checkedBy } from './checked.ts';
import { createDispatcher } from './dispatcher.ts';
import { dispatchEvent, dispatchEventAndWait, dispatcherFor, onEvent } from './global.ts';
import { withStreams } from './stream/stream.ts';
import { withTimeouts } from './wrap/timeout.ts';

const OrderPlaced = defineEvent('order.placed', { schema: payload<{ readonly total: number }>() });
const Timed = defineEvent('order.timed', { schema: payload<number>() });
const Namesake = defineEvent('order.placed', { schema: payload<string>() });

afterEach(async () => {
  await dispatcherFor(OrderPlaced).close({ timeoutMs: 0 });
});

test('the global dispatcher of a definition is the same each time', () => {
  expect(dispatcherFor(OrderPlaced)).toBe(dispatcherFor(OrderPlaced));
});

test('two definitions of one name do not share a dispatcher', () => {
  const heard: unknown[] = [];
  dispatcherFor(OrderPlaced).on(OrderPlaced, ({ total }) => heard.push(total));
  dispatcherFor(Namesake).dispatch(Namesake, 'a word');
  dispatcherFor(OrderPlaced).dispatch(OrderPlaced, { total: 12 });
  expect(heard).toEqual([12]);
});

test('the global functions use it', async () => {
  const heard: number[] = [];
  const stop = onEvent(OrderPlaced, ({ total }) => heard.push(total), { filter: ({ total }) => total > 1 });
  dispatchEvent(OrderPlaced, { total: 1 });
  dispatchEvent(OrderPlaced, { total: 2 });
  await dispatchEventAndWait(OrderPlaced, { total: 3 });
  expect(heard).toEqual([2, 3]);
  expect(dispatcherFor(OrderPlaced).counts().total).toMatchObject({ passed: 3, delivered: 2, filtered: 1 });
  stop();
  expect(dispatcherFor(OrderPlaced).hasHandlers(OrderPlaced)).toBe(false);
});

test('a global dispatcher that was closed can be used again, without its handlers of before', async () => {
  const heard: string[] = [];
  const dispatcher = dispatcherFor(OrderPlaced);
  const stream = withStreams(dispatcher).events(OrderPlaced);
  onEvent(OrderPlaced, () => heard.push('before'));
  await dispatcher.close();
  expect(dispatcherFor(OrderPlaced)).toBe(dispatcher);
  expect(stream.closed).toBe(true);
  onEvent(OrderPlaced, () => heard.push('after'));
  dispatchEvent(OrderPlaced, { total: 1 });
  expect(heard).toEqual(['after']);
});

test('closing an instance of one’s own is final', async () => {
  const mine = createDispatcher({ check: checkedBy({ 'order.placed': OrderPlaced }) });
  const heard: number[] = [];
  mine.on(OrderPlaced, ({ total }) => heard.push(total));
  dispatchEvent(OrderPlaced, { total: 1 });
  mine.dispatch(OrderPlaced, { total: 2 });
  expect(heard).toEqual([2]);
  await mine.close();
  expect(() => mine.dispatch(OrderPlaced, { total: 3 })).toThrow(expect.objectContaining({ name: 'Closed' }));
});

test('a stream of one event yields its payloads', async () => {
  const stream = withStreams(dispatcherFor(OrderPlaced)).events(OrderPlaced);
  dispatchEvent(OrderPlaced, { total: 12 });
  expect((await stream.next()).value?.data.total).toBe(12);
  stream.close();
});

test('who has taken its functions, or given it parts, goes on with them after it was closed', async () => {
  const late: string[] = [];
  const shared = withWaiting(withTimeouts(dispatcherFor(Timed)));
  const { on, dispatch, dispatchAndWait } = shared;
  await shared.close();
  on('order.timed', () => new Promise(() => {}), { timeoutMs: 1 });
  const settled = dispatchAndWait('order.timed', 1).catch(({ failures }: DispatchFailure) => failures);
  expect(await settled).toMatchObject([{ cause: { name: 'TimedOut' } }]);
  await shared.close({ timeoutMs: 0 });
  on('order.timed', (n) => void late.push(`heard ${n}`));
  dispatch('order.timed', 2);
  expect(late).toEqual(['heard 2']);
  await shared.close({ timeoutMs: 0 });
});

test('awaiting it adds nothing to it that it has', async () => {
  await dispatchEventAndWait(OrderPlaced, { total: 1 });
  const waiting = withWaiting(dispatcherFor(OrderPlaced));
  const { dispatchAndWait } = waiting;
  await dispatchEventAndWait(OrderPlaced, { total: 2 });
  expect(waiting.dispatchAndWait).toBe(dispatchAndWait);
});
