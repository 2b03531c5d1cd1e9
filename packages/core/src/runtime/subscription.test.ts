// What is started ends with its block, or with a signal, wherever one would expect it.
import { expect, expectTypeOf, test } from 'vitest';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { Failure } from '../failure.ts';
import { gather } from '../testing/waiting.ts';
import type { Subscription } from './subscription.ts';
import { createPlace } from './test/place.ts';

const events = defineEvents({ 'todo.done': payload<{ readonly n: number }>() });

test('what was declared by `using` is ended by the end of its block: live handlers, durable ones, listeners of the status', async () => {
  const { world, tab } = createPlace();
  const alice = await tab('alice', events);
  const [heard, handled, changes] = [gather<number>(), gather<number>(), gather<number>()];
  {
    using live = alice.on('todo.done', ({ data }) => heard.add(data.n));
    using durable = alice.handle('todo.done', 'count', ({ data }) => handled.add(data.n));
    using standing = alice.status.subscribe(() => changes.add(alice.status.get().counts.published));
    for (const subscription of [live, durable, standing]) expectTypeOf(subscription).toEqualTypeOf<Subscription>();
    await alice.publish('todo.done', { n: 1 });
    await world.advance(1000);
  }
  const told = changes.items.length;
  await alice.publish('todo.done', { n: 2 });
  await world.advance(1000);
  expect(heard.items).toEqual([1]);
  expect(handled.items).toEqual([1]);
  expect(told).toBeGreaterThan(0);
  expect(changes.items).toHaveLength(told);
});

test('a runtime that was declared by `await using` is closed by the end of its block', async () => {
  const { tab } = createPlace();
  const alice = await tab('alice', events);
  {
    await using own = alice;
    await own.publish('todo.done', { n: 1 });
  }
  await expect(alice.publish('todo.done', { n: 2 })).rejects.toMatchObject({ name: 'Closed' });
});

test('a history that is left while it waits for what comes ends at once', async () => {
  const { tab } = createPlace();
  const alice = await tab('alice', events);
  await alice.publish('todo.done', { n: 1 });
  let waiting: Promise<IteratorResult<unknown, void>>;
  {
    await using reading = alice.events('todo.done');
    expect(await reading.next()).toMatchObject({ value: { data: { n: 1 } } });
    waiting = reading.next();
  }
  expect(await waiting).toEqual({ done: true, value: undefined });
  const again = alice.events('todo.done');
  for await (const { data } of again) if (data.n === 1) break;
  expect(await again.next()).toEqual({ done: true, value: undefined });
  const thrown = alice.events('todo.done');
  await thrown.next();
  await expect(thrown.throw(new Error('enough'))).rejects.toThrow('enough');
});

test('signals end what they were handed to: a listener of the status, and waiting for the relay or for the outbox', async () => {
  const { world, tab } = createPlace();
  const alice = await tab('alice', events, {
    report: () => undefined,
    linkOf: (link) => ({ ...link, push: () => Promise.reject(new Failure('Unreachable', 'no network')) }),
  });
  const [leaving, changes] = [new AbortController(), gather<string>()];
  const { signal } = leaving;
  alice.status.subscribe(() => changes.add('heard'), { signal });
  alice.status.subscribe(() => changes.add('never'), { signal: AbortSignal.abort() });
  const { relayed } = await alice.publish('todo.done', { n: 1 });
  await world.advance(1000);
  expect(new Set(changes.items)).toEqual(new Set(['heard']));

  const told = changes.items.length;
  const waiting = Promise.allSettled([relayed({ signal }), alice.flush({ signal })]);
  leaving.abort(new Error('she left'));
  expect(await waiting).toMatchObject([
    { status: 'rejected', reason: { message: 'she left' } },
    { status: 'rejected', reason: { message: 'she left' } },
  ]);
  await expect(relayed({ signal })).rejects.toThrow('she left');
  await alice.publish('todo.done', { n: 2 });
  await world.advance(1000);
  expect(changes.items).toHaveLength(told);
  // The event is on its way all the same.
  expect(alice.status.get().pending).toBe(2);
});

test('a flush that is asked for while the runtime closes is refused, and does not wait', async () => {
  const { world, tab } = createPlace();
  const alice = await tab('alice', events, {
    report: () => undefined,
    linkOf: (link) => ({ ...link, push: () => Promise.reject(new Failure('Unreachable', 'no network')) }),
  });
  await alice.publish('todo.done', { n: 1 });
  const flushed = expect(alice.flush()).rejects.toMatchObject({ name: 'Closed' });
  const closed = alice.close();
  await world.advance(1000);
  await Promise.all([flushed, closed]);
});
