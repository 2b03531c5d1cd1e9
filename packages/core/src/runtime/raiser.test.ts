import * as v from 'valibot';
import { expect, expectTypeOf, test } from 'vitest';
import { defineEvent, defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { Failure } from '../failure.ts';
import { untilStatus } from '../testing/waiting.ts';
import { createRaiser, type Raiser } from './raiser.ts';
import type { PublishOptions, Receipt } from './publishing.ts';
import type { Runtime } from './runtime.ts';
import { createPlace } from './test/place.ts';

const events = defineEvents({
  'order.placed': v.object({ items: v.array(v.string()) }),
  'order.paid': payload<{ readonly by: string }>(),
  'order.sent': payload<undefined>(),
});
const order = { name: 'order', id: '7' };

/** Somebody who publishes, and fails as told. */
function createPublishing(fails: (type: string, call: number) => boolean = () => false) {
  const published: (readonly [type: string, data: unknown, options: PublishOptions])[] = [];
  let calls = 0;
  return {
    published,
    runtime: {
      async publish(event: { readonly name: string }, data: unknown, options: PublishOptions): Promise<Receipt> {
        calls += 1;
        await Promise.resolve();
        if (fails(event.name, calls)) throw new Failure('StorageFailed', 'the disk is full');
        published.push([event.name, data, options]);
        return {
          id: `${published.length}`,
          channel: 'board',
          position: published.length,
          relayed: async () => undefined,
        };
      },
      // A raiser asks nothing else of a runtime, and a whole one would not fail where a test wants it to.
    } as unknown as Runtime<typeof events>,
  };
}

const typesOf = (raiser: Raiser<typeof events>) => raiser.raised().map(({ type }) => type);

test('an entity collects events until it is saved; then they are stored, in order, as events of it', async () => {
  const place = createPlace();
  const alice = await place.tab('alice', events);
  const raiser = createRaiser(events, { entity: order });
  raiser.raise('order.placed', { items: ['tea'] });
  raiser.raise(events['order.paid'], { by: 'card' }, { correlationId: 'request-9' });
  raiser.raise('order.sent');
  expect(alice.status.get().counts.published).toBe(0);
  const receipts = await raiser.publishTo(alice);
  expect(raiser.raised()).toEqual([]);
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  const stored = await place.stored();
  expect(stored.map(({ id }) => id)).toEqual(receipts.map(({ id }) => id));
  const of7 = { subject: 'order/7', entityname: 'order', entityid: '7' };
  expect(stored).toMatchObject([
    { type: 'order.placed', data: { items: ['tea'] }, ...of7 },
    { type: 'order.paid', data: { by: 'card' }, correlationid: 'request-9', ...of7 },
    { type: 'order.sent', ...of7 },
  ]);
});

test('what was raised is a copy, on its way in and on its way out', () => {
  const raiser = createRaiser(events);
  const items = ['tea'];
  raiser.raise('order.placed', { items });
  items.push('changed after the call');
  const [first] = raiser.raised();
  if (first?.type === 'order.placed') first.data.items.push('changed in the copy');
  expect(raiser.raised()).toEqual([{ type: 'order.placed', data: { items: ['tea'] }, options: {} }]);
});

test('what was cleared is not published', async () => {
  const { runtime, published } = createPublishing();
  const raiser = createRaiser(events);
  raiser.raise('order.sent');
  raiser.clear();
  expect(raiser.raised()).toEqual([]);
  expect(await raiser.publishTo(runtime)).toEqual([]);
  expect(published).toEqual([]);
});

test('when storing fails, what was stored is gone, and the rest stays to be published again, once each', async () => {
  const place = createPlace();
  let records = 0;
  const alice = await place.tab('alice', events, {
    storeOf: (store) => ({
      ...store,
      async record(segments) {
        records += 1;
        if (records === 2) throw new Failure('StorageFailed', 'the disk is full');
        return store.record(segments);
      },
    }),
  });
  const raiser = createRaiser(events);
  raiser.raise('order.placed', { items: [] });
  raiser.raise('order.paid', { by: 'card' });
  raiser.raise('order.sent');
  await expect(raiser.publishTo(alice)).rejects.toMatchObject({ name: 'StorageFailed', message: 'the disk is full' });
  expect(typesOf(raiser)).toEqual(['order.paid', 'order.sent']);
  expect(await raiser.publishTo(alice)).toHaveLength(2);
  expect(raiser.raised()).toEqual([]);
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  expect((await place.stored()).map(({ type }) => type)).toEqual(['order.placed', 'order.paid', 'order.sent']);
});

test('two calls at once publish nothing twice', async () => {
  const { runtime, published } = createPublishing();
  const raiser = createRaiser(events);
  raiser.raise('order.paid', { by: 'card' });
  raiser.raise('order.sent');
  const receipts = await Promise.all([raiser.publishTo(runtime), raiser.publishTo(runtime)]);
  expect(receipts.map(({ length }) => length)).toEqual([2, 0]);
  expect(published.map(([type]) => type)).toEqual(['order.paid', 'order.sent']);
});

test('a call behind one that failed publishes what that one left', async () => {
  const { runtime, published } = createPublishing((_, call) => call === 1);
  const raiser = createRaiser(events);
  raiser.raise('order.sent');
  const [first, second] = await Promise.allSettled([raiser.publishTo(runtime), raiser.publishTo(runtime)]);
  expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  expect(published).toHaveLength(1);
  expect(raiser.raised()).toEqual([]);
});

test('what is raised while others are published waits for the next save, and what is cleared meanwhile is not published', async () => {
  const { runtime, published } = createPublishing();
  const raiser = createRaiser(events);
  raiser.raise('order.paid', { by: 'card' });
  raiser.raise('order.paid', { by: 'cash' });
  const publishing = raiser.publishTo(runtime);
  // Until the first has been handed over.
  await Promise.resolve();
  raiser.clear();
  raiser.raise('order.sent');
  expect(await publishing).toHaveLength(1);
  expect(published.map(([, data]) => data)).toEqual([{ by: 'card' }]);
  expect(typesOf(raiser)).toEqual(['order.sent']);
});

test('an event is checked when it is raised, where the mistake is', () => {
  const raiser = createRaiser(events);
  const refused = (name: string, raise: () => void): void => expect(raise).toThrow(expect.objectContaining({ name }));
  refused('InvalidPayload', () => raiser.raise('order.placed', JSON.parse('{"items":[7]}')));
  refused('InvalidPayload', () => raiser.raise('order.paid', { by: 'card', at: new Date(0) } as { by: string }));
  refused('InvalidEvent', () => raiser.raise('order.sent', undefined, { subject: '' }));
  refused('InvalidChannel', () => raiser.raise('order.sent', undefined, { channel: 'no spaces' }));
  refused('UnknownEvent', () => raiser.raise('order.lost' as 'order.sent'));
  const stranger = defineEvent('order.sent', { schema: payload<undefined>() });
  refused('UnknownEvent', () => raiser.raise(stranger));
  expect(raiser.raised()).toEqual([]);
});

test('an event of an entity has no subject of its own', () => {
  const raiser = createRaiser(events, { entity: order });
  expect(() => raiser.raise('order.sent', undefined, { subject: 'the shop' })).toThrow(
    expect.objectContaining({ name: 'InvalidEvent' }),
  );
});

test('a raiser that nobody publishes is bounded, and says what to do', () => {
  const raiser = createRaiser(events, { eventsMax: 2 });
  raiser.raise('order.sent');
  raiser.raise('order.sent');
  expect(() => raiser.raise('order.sent')).toThrow(
    expect.objectContaining({
      name: 'QueueFull',
      message: '"order.sent" was raised, and 2 events wait already; call publishTo once the entity is saved, or clear',
    }),
  );
  raiser.clear();
  raiser.raise('order.sent');
  expect(raiser.raised()).toHaveLength(1);
});

test.each([
  ['an entity without a name', { entity: { name: '', id: '7' } }, 'InvalidEvent'],
  ['an entity without an id', { entity: { name: 'order', id: '' } }, 'InvalidEvent'],
  ['no room at all', { eventsMax: 0 }, 'InvalidOptions'],
  ['room that is no number', { eventsMax: Number.NaN }, 'InvalidOptions'],
])('%s is refused when the raiser is made', (_, options, name) => {
  expect(() => createRaiser(events, options)).toThrow(expect.objectContaining({ name }));
});

test('types: an event is raised like it is published, to a runtime that knows it', () => {
  const raiser = createRaiser({ 'order.paid': events['order.paid'], 'order.sent': events['order.sent'] });
  const mistakes = (all: Runtime<typeof events>, other: Runtime<Pick<typeof events, 'order.placed'>>): void => {
    void raiser.publishTo(all);
    // @ts-expect-error this runtime does not know the events of the raiser
    void raiser.publishTo(other);
    // @ts-expect-error 'order.paid' needs a payload
    raiser.raise('order.paid');
    // @ts-expect-error the payer is text
    raiser.raise('order.paid', { by: 7 });
    // @ts-expect-error there is no such event among those of the raiser
    raiser.raise('order.placed', { items: [] });
    // @ts-expect-error the raiser says of which entity
    raiser.raise('order.sent', undefined, { entity: order });
    for (const event of raiser.raised()) {
      if (event.type === 'order.paid') expectTypeOf(event.data).toEqualTypeOf<{ readonly by: string }>();
    }
  };
  expect(mistakes).toBeTypeOf('function');
});
