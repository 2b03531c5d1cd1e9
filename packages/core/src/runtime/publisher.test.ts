// What publish makes of what an application hands in, as a relay and another device see it.
import { expect, test } from 'vitest';
import { defineEvent, defineEvents } from '../event/define.ts';
import { entityOf } from '../event/entity.ts';
import { utf8Length } from '../event/json.ts';
import { eventsIn } from '../event/write.ts';
import { payload } from '../event/schema.ts';
import { gather, untilStatus } from '../testing/waiting.ts';
import { createTestWorld } from '../testing/world.ts';
import type { Draft } from './engine.ts';
import { createPublisher } from './publisher.ts';
import type { PublishOptions } from './publishing.ts';
import type { Delivered } from './runtime.ts';
import { createPlace } from './test/place.ts';

const events = defineEvents({ 'order.paid': payload<{ readonly by: string }>(), tick: payload<undefined>() });

test('every event has an id of its own, a UUID of version 7, and the time at which it was published', async () => {
  const place = createPlace();
  const alice = await place.tab('alice', events);
  const at = new Date(place.world.now()).toISOString();
  const [first, second] = [
    await alice.publish('order.paid', { by: 'card' }),
    await alice.publish('order.paid', { by: 'card' }),
  ];
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  const stored = await place.stored();
  expect(stored.map(({ id }) => id)).toEqual([first.id, second.id]);
  for (const { id, time } of stored) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(time).toBe(at);
    // RFC 9562, section 5.7: the first 48 bits are the time in milliseconds.
    expect(Number(`0x${id.replaceAll('-', '').slice(0, 12)}`)).toBe(place.world.now());
  }
  expect(second.id > first.id).toBe(true);
});

test('an application event and a domain event with its entity come through a relay to another device', async () => {
  const place = createPlace();
  const [alice, bob] = [await place.tab('alice', events), await place.tab('bob', events)];
  const heard = gather<Delivered>();
  bob.on('order.paid', heard.add);
  await alice.publish('order.paid', { by: 'card' }, { subject: 'the shop' });
  await alice.publish('order.paid', { by: 'card' }, { entity: { name: 'order', id: '7' } });
  const [application, domain] = await heard.until(2);
  expect(application).toMatchObject({ subject: 'the shop' });
  expect(application && entityOf(application)).toBeUndefined();
  expect(domain).toMatchObject({ subject: 'order/7' });
  expect(domain && entityOf(domain)).toEqual({ name: 'order', id: '7' });
});

test.each<[string, PublishOptions]>([
  ['an entity without a name', { entity: { name: '', id: '7' } }],
  ['an entity without an id', { entity: { name: 'order', id: '' } }],
  ['an entity and a subject', { entity: { name: 'order', id: '7' }, subject: 'the shop' }],
  ['an empty subject', { subject: '' }],
])('%s is refused by name, and nothing is stored', async (_, options) => {
  const place = createPlace();
  const alice = await place.tab('alice', events);
  await expect(alice.publish('tick', undefined, options)).rejects.toMatchObject({ name: 'InvalidEvent' });
  expect(alice.status.get()).toMatchObject({ pending: 0, counts: { published: 0, refused: 1 } });
});

test('an event without a payload is stored without one', async () => {
  const place = createPlace();
  const alice = await place.tab('alice', events);
  await alice.publish('tick');
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  const [stored] = await place.stored();
  expect(Object.keys(stored ?? {}).sort()).toEqual(
    ['specversion', 'id', 'type', 'time', 'datacontenttype', 'source', 'channel', 'sequence'].sort(),
  );
});

test('the size of what a tick publishes is told to the byte, in whatever language its names, remarks and payloads are', async () => {
  const names = ['paid', 'payé', '払った'] as const;
  const definitions = new Map(names.map((name) => [name, defineEvent(name, { schema: payload<unknown>() })]));
  const drafts: Draft[] = [];
  const publisher = createPublisher({
    definitions,
    engine: { record: async (made) => made.map((draft) => drafts.push(draft)) },
    world: createTestWorld(),
    channel: 'board',
    deviceId: 'alice',
    tally: { published: () => undefined, refused: () => undefined },
    relayed: async () => undefined,
    measure: utf8Length,
  });
  const payloads = [undefined, null, 'ab', 'é', { '€': '🐦' }, { half: '\uD800' }];
  for (const name of names) {
    for (const data of payloads) {
      for (const subject of [undefined, 'the shop', 'la boutique fermée']) {
        void publisher.publish(name, data, subject === undefined ? {} : { subject });
        await publisher.settled();
      }
    }
  }
  const ofOne = names.map((name) => () => payloads.map((data) => publisher.publish(name, data, {})));
  const together = (): readonly Promise<unknown>[] => ofOne.flatMap((all) => all());
  for (const tick of [...ofOne, together]) await Promise.all(tick());
  expect(drafts.map(({ n }) => n)).toEqual([...Array.from({ length: 54 }, () => 1), 6, 6, 6, 18]);
  for (const { text, n, bytes } of drafts) {
    const events = eventsIn(text);
    expect(events).toHaveLength(n);
    expect(bytes).toBe(new TextEncoder().encode(events.map((event) => JSON.stringify(event)).join('')).length);
  }
});

test('what a tick publishes in turn of two types, more than a segment holds, is stored as each was and where its receipt says', async () => {
  const place = createPlace();
  const alice = await place.tab('alice', events);
  const turns = Array.from({ length: 1200 }, (_, n) => (n % 2 === 0 || n > 1100 ? 'order.paid' : 'tick'));
  const receipts = await Promise.all(
    turns.map((type, n) => (type === 'tick' ? alice.publish(type) : alice.publish(type, { by: `card ${n}` }))),
  );
  const read: unknown[] = [];
  for await (const event of alice.events('*', { live: false })) read.push(event);
  expect(read).toMatchObject(
    receipts.map(({ id, position }, n) => {
      const [type, data] = turns[n] === 'tick' ? ['tick', undefined] : ['order.paid', { by: `card ${n}` }];
      return { id, type, data, position };
    }),
  );
});
