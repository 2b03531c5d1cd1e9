// A crowd of readers: served in turns, each from where it stands; those that stall hold a number and nothing else.
import { expect, test } from 'vitest';
import { createFeedWorld, eventOf, items, range, type FeedWorld } from './test/reading.ts';
import type { Subscription } from './subscriber.ts';

/** A reader whose socket takes what the test lets it. */
interface Held {
  readonly subscription: Subscription;
  /** What it was handed since it last had room. */
  readonly handed: Uint8Array[];
  events: number;
  isOpen: boolean;
  isClosed: boolean;
}

const data = 'x'.repeat(1000);

async function attach({ feed }: FeedWorld, isOpen: boolean, types: readonly string[] = []): Promise<Held> {
  const held = { handed: [] as Uint8Array[], events: 0, isOpen, isClosed: false };
  const begin = await feed.subscribe({ after: 'latest', types, heartbeat: true });
  const subscription = begin({
    send(bytes) {
      held.events += new TextDecoder().decode(bytes).split('"id":"').length - 1;
      if (!held.isOpen) held.handed.push(bytes);
      return held.isOpen;
    },
    close: () => void (held.isClosed = true),
  });
  return Object.assign(held, { subscription });
}

async function attachAll(world: FeedWorld, count: number, isOpen: boolean): Promise<readonly Held[]> {
  const all: Held[] = [];
  while (all.length < count) all.push(await attach(world, isOpen));
  return all;
}

test('a crowd is served in turns, and who is served later gets what has come meanwhile in one piece', async () => {
  const world = createFeedWorld();
  const crowd = await attachAll(world, 300, true);
  const writes = crowd.map(() => 0);
  for (const [index, held] of crowd.entries()) {
    const { subscription } = held;
    const counted = subscription.announce.bind(subscription);
    const before = { events: held.events };
    subscription.announce = () => {
      counted();
      if (held.events > before.events) writes[index] = (writes[index] ?? 0) + 1;
      before.events = held.events;
    };
  }
  await world.feed.append(items(eventOf('1')));
  // Answered already, though most have yet to be served.
  expect(crowd.filter(({ events }) => events === 1).length).toBe(128);
  await world.feed.append(items(eventOf('2')));
  await world.world.advance(0);
  expect(crowd.every(({ events }) => events === 2)).toBe(true);
  // Of those that were not served between the two, each was written to once.
  expect(writes.filter((count) => count === 1).length).toBeGreaterThan(100);
  expect(await world.feed.stat()).toMatchObject({ delivered: 600, queueDepth: 0, dropped: {} });
});

test('readers that leave while a crowd is served keep nobody else from being served', async () => {
  const world = createFeedWorld();
  const crowd = await attachAll(world, 300, true);
  await world.feed.append(items(eventOf('1')));
  for (const { subscription } of crowd.filter((_, index) => index % 3 === 0)) subscription.detach();
  await world.world.advance(0);
  const stayed = crowd.filter((_, index) => index % 3 !== 0);
  expect(stayed.map(({ events }) => events)).toEqual(stayed.map(() => 1));
  const { delivered, dropped, queueDepth } = await world.feed.stat();
  expect([delivered + (dropped['detached'] ?? 0), queueDepth]).toEqual([300, 0]);
});

test('a thousand readers that stall are handed one piece each, which they share, and nobody waits for them', async () => {
  const world = createFeedWorld({ ringBytes: 4 * 1024 });
  const stalled = await attachAll(world, 1000, false);
  const quick = await attach(world, true);
  const memory = (): number => new Set(stalled.flatMap(({ handed }) => handed.map(({ buffer }) => buffer))).size;
  const before = memory();
  for (const batch of range(1, 10)) {
    await world.feed.append(items(eventOf(`${batch}.1`, { data }), eventOf(`${batch}.2`, { data })));
    await world.world.advance(0);
    expect(quick.events).toBe(batch * 2);
  }
  // Several rings have passed them: they hold what they were handed when they came, and a number.
  expect(stalled.every(({ handed }) => handed.length === 1)).toBe(true);
  expect(memory()).toBe(before);
  expect(await world.feed.stat()).toMatchObject({ delivered: 20, queueDepth: 1000 * 20, dropped: {} });

  for (const held of stalled) held.isOpen = true;
  for (const { subscription } of stalled) subscription.resume();
  await world.world.advance(0);
  expect(stalled.every(({ events }) => events === 20)).toBe(true);
  expect(await world.feed.stat()).toMatchObject({ delivered: 1001 * 20, queueDepth: 0, dropped: {} });
});

test('a reader that takes everything loses no ephemeral event beside a thousand that stall, however fast they come', async () => {
  const world = createFeedWorld();
  const stalled = await attachAll(world, 1000, false);
  const quick = await attach(world, true);
  // No turn passes between them: most of the crowd has yet to be looked at.
  for (const id of range(1, 500)) await world.feed.append(items(eventOf(String(id), { ephemeral: true })));
  await world.world.advance(0);
  expect(quick.subscription.counts).toEqual({ delivered: 500, filtered: 0, dropped: {} });
  expect(stalled.map(({ subscription }) => subscription.counts.dropped)).toEqual(
    stalled.map(() => ({ overflow: 500 - 64 })),
  );
});

test('of one publish with a thousand ephemeral events a reader loses none, as long as its socket takes them', async () => {
  const { feed, world } = createFeedWorld();
  const begin = await feed.subscribe({ after: 'latest', types: [], heartbeat: true });
  let written = 0;
  const subscription = begin({
    // As Node's: full behind so many bytes, and with room again a turn later.
    send(bytes) {
      const wasFull = written >= 64 * 1024;
      written += bytes.length;
      if (written < 64 * 1024) return true;
      if (!wasFull) world.after(0, () => ((written = 0), subscription.resume()));
      return false;
    },
    close: () => undefined,
  });
  const many = range(1, 1000).map((id) => eventOf(String(id), { ephemeral: true, data }));
  const published = feed.append(items(...many));
  await world.advance(0);
  expect(await published).toHaveLength(1000);
  expect(subscription.counts).toEqual({ delivered: 1000, filtered: 0, dropped: {} });
});

test('ephemeral events that wait together go out in one piece, which readers who want the same ones share', async () => {
  const world = createFeedWorld();
  const [one, other, some] = [
    await attach(world, false),
    await attach(world, false),
    await attach(world, false, ['todo.removed']),
  ];
  const types = ['todo.added', 'todo.removed'];
  await world.feed.append(
    items(...range(1, 9).map((id) => eventOf(String(id), { ephemeral: true, type: types[id % 2] ?? '' }))),
  );
  for (const { handed, subscription } of [one, other, some]) {
    handed.length = 0;
    subscription.resume();
  }
  expect([one.handed.length, one.events, some.handed.length, some.events]).toEqual([1, 9, 1, 5]);
  expect(other.handed[0]).toBe(one.handed[0]);
});

test('what passed each reader is delivered, filtered, dropped or pending, and the channel’s counts are their sum', async () => {
  const world = createFeedWorld();
  const [all, some, stalled, leaving] = [
    await attach(world, true),
    await attach(world, true, ['todo.removed']),
    await attach(world, false),
    await attach(world, false),
  ];
  const types = ['todo.added', 'todo.removed'];
  for (const id of range(1, 10)) await world.feed.append(items(eventOf(String(id), { type: types[id % 2] ?? '' })));
  for (const id of range(1, 100)) await world.feed.append(items(eventOf(`e${id}`, { ephemeral: true })));
  leaving.subscription.detach();
  const counts = [all, some, stalled, leaving].map(({ subscription }) => subscription.counts);
  expect(counts).toEqual([
    { delivered: 110, filtered: 0, dropped: {} },
    { delivered: 5, filtered: 105, dropped: {} },
    { delivered: 0, filtered: 0, dropped: { overflow: 36 } },
    { delivered: 0, filtered: 0, dropped: { overflow: 36, detached: 74 } },
  ]);
  expect(await world.feed.stat()).toMatchObject({
    delivered: 115,
    filtered: 105,
    dropped: { overflow: 72, detached: 74 },
    queueDepth: 74,
  });
});
