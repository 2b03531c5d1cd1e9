// Mistakes that the types prevent. Checked by `tsc` over this file, and by the runner's type check.
import { expectTypeOf, test } from 'vitest';
import { defineEvent, defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { withWaiting } from './await.ts';
import { createBatcher } from './batcher/batcher.ts';
import { createBroker } from './broker/broker.ts';
import { checkedBy } from './checked.ts';
import { createDispatcher } from './dispatcher.ts';
import { dispatchEvent, dispatchEventAndWait, dispatcherFor } from './global.ts';
import { createProcessor } from './queue/processor.ts';
import { createHandQueue } from './queue/queue.ts';
import { withStreams } from './stream/stream.ts';
import { withTimeouts } from './wrap/timeout.ts';
import type { DataOf, DispatchedBy, Matches, NamesBy, PatternOf } from './types.ts';

interface Shop {
  'order.placed': { readonly total: number };
  'order.item.added': { readonly sku: string };
  'user.created': { readonly name: string };
}
const shop = withStreams(withWaiting(createDispatcher<Shop, { readonly tenant: string }>()));

test('a wrong payload fails at the payload', () => {
  shop.dispatch('order.placed', { total: 12 });
  // The mistakes stand in lines of their own: at these, and nowhere else, the compiler must complain.
  shop.dispatch('order.placed', {
    // @ts-expect-error 'order.placed' needs a number
    total: '12',
  });
  void shop.dispatchAndWait(
    'order.placed',
    // @ts-expect-error 'order.placed' needs a total
    {},
  );
  shop.on('user.created', (_, { publish }) => {
    publish('order.placed', {
      // @ts-expect-error 'order.placed' needs a number
      total: '12',
    });
  });
  const one = defineEvent('order.placed', { schema: payload<{ readonly total: number }>() });
  dispatcherFor(one).dispatch(one, {
    // @ts-expect-error 'order.placed' needs a number
    total: '12',
  });
  dispatchEvent(one, {
    // @ts-expect-error 'order.placed' needs a number
    total: '12',
  });
  void dispatchEventAndWait(one, {
    // @ts-expect-error 'order.placed' needs a number
    total: '12',
  });
  createBroker<{ readonly total: number }>().publish('order.placed', {
    // @ts-expect-error an event has a number
    total: '12',
  });
  // @ts-expect-error there is no such event
  shop.dispatch('order.plcaed', { total: 12 });
});

test('a name that is neither an event nor a pattern is refused', () => {
  // @ts-expect-error there is no such event
  shop.on('order.plcaed', () => {});
  expectTypeOf<'order.placed'>().toExtend<PatternOf<Shop>>();
});

test('a handler gets the payload of its event, and a pattern the union of what it matches', () => {
  shop.on('order.placed', (data, { type, context }) => {
    expectTypeOf(data).toEqualTypeOf<{ readonly total: number }>();
    expectTypeOf(type).toEqualTypeOf<'order.placed'>();
    expectTypeOf(context).toEqualTypeOf<{ readonly tenant: string }>();
  });
  shop.on('order.*', (data) => expectTypeOf(data).toEqualTypeOf<{ readonly total: number }>());
  shop.on('order.**', (data) =>
    expectTypeOf(data).toEqualTypeOf<{ readonly total: number } | { readonly sku: string }>(),
  );
  shop.on('**', (_, { type }) => expectTypeOf(type).toEqualTypeOf<keyof Shop>());
});

test('an event of a stream is told apart by its type', async () => {
  for await (const event of shop.events('order.**')) {
    if (event.type === 'order.placed') expectTypeOf(event.data).toEqualTypeOf<{ readonly total: number }>();
    else expectTypeOf(event.data.sku).toEqualTypeOf<string>();
  }
});

test('a handler publishes only what is defined', () => {
  shop.on('user.created', (_, { publish }) => {
    publish('order.placed', { total: 1 });
    // @ts-expect-error 'order.placed' needs a number
    publish('order.placed', { total: '1' });
  });
});

test('the context and the filter are typed', () => {
  shop.dispatch('order.placed', { total: 1 }, { context: { tenant: 'acme' } });
  // @ts-expect-error the context has a tenant
  shop.dispatch('order.placed', { total: 1 }, { context: { user: 'alice' } });
  shop.on('order.placed', () => {}, { filter: ({ total }) => total > 1 });
  // @ts-expect-error an order has no price
  shop.on('order.placed', () => {}, { filter: ({ price }) => price > 1 });
});

test('a time bound goes with a name, a pattern and a definition', () => {
  const one = defineEvent('order.placed', { schema: payload<{ readonly total: number }>() });
  const timed = withTimeouts(shop);
  timed.on('order.placed', ({ total }) => expectTypeOf(total).toEqualTypeOf<number>(), { timeoutMs: 5 });
  timed.on(one, ({ total }) => expectTypeOf(total).toEqualTypeOf<number>(), { timeoutMs: 5 });
});

test('what may be left out may be undefined, too', () => {
  const timeoutMs: number | undefined = undefined;
  const capacity: number | undefined = undefined;
  void shop.close({ timeoutMs });
  void createBroker().close({ timeoutMs });
  createBroker().subscribe({ send() {}, close: undefined }, { capacity });
  void createProcessor(() => {}, { capacity }).close({ timeoutMs });
  const batcher = createBatcher({ flush() {}, capacity });
  void batcher.flush({ timeoutMs });
  void batcher.close({ timeoutMs });
  createHandQueue(() => {}, { capacity });
});

test('a filter that answers later is refused, since it would let everything through', () => {
  // @ts-expect-error a promise is no answer
  shop.on('order.placed', () => {}, { filter: async ({ total }) => total > 1 });
});

test('with definitions, input and output are told apart', () => {
  const events = defineEvents({ 'a.b': payload<number>() });
  const dispatcher = createDispatcher({ check: checkedBy(events) });
  dispatcher.on('a.b', (data) => expectTypeOf(data).toEqualTypeOf<number>());
  dispatcher.on(events['a.b'], (data) => expectTypeOf(data).toEqualTypeOf<number>());
  // @ts-expect-error 'a.b' is a number
  dispatcher.dispatch('a.b', 'one');
  const one = defineEvent('a.b', { schema: payload<number>() });
  dispatcherFor(one).on(one, (data) => expectTypeOf(data).toEqualTypeOf<number>());
  // @ts-expect-error 'a.b' is a number
  dispatcherFor(one).dispatch(one, 'one');
});

test('a dispatcher of unknown events takes any name', () => {
  const dispatcher = createDispatcher();
  dispatcher.on('whatever', (data) => expectTypeOf(data).toEqualTypeOf<unknown>());
  dispatcher.dispatch('whatever', 1);
});

test('patterns match at compile time as they do when they run', () => {
  expectTypeOf<Matches<'order.placed', 'order.*'>>().toEqualTypeOf<true>();
  expectTypeOf<Matches<'order.item.added', 'order.*'>>().toEqualTypeOf<false>();
  expectTypeOf<Matches<'order', 'order.**'>>().toEqualTypeOf<true>();
  expectTypeOf<Matches<'order.item.added', '**.added'>>().toEqualTypeOf<true>();
  expectTypeOf<Matches<'a.b.c.z', 'a.**.z'>>().toEqualTypeOf<true>();
  expectTypeOf<Matches<'a.b.c', 'a.**.z'>>().toEqualTypeOf<false>();
  expectTypeOf<Matches<'order.item.added', '*'>>().toEqualTypeOf<true>();
  expectTypeOf<NamesBy<Shop, '*.created'>>().toEqualTypeOf<'user.created'>();
  expectTypeOf<DataOf<Shop, 'user.created'>>().toEqualTypeOf<{ readonly name: string }>();
  expectTypeOf<DispatchedBy<Shop, '*.created'>['type']>().toEqualTypeOf<'user.created'>();
});
