// Ephemeral events at several relays: whoever reads the channel gets them, wherever they were published, and once.
import { expect, test } from 'vitest';
import { createMemoryLogs } from '../../memory/log.ts';
import { createMemoryCluster } from '../../memory/neighbours.ts';
import { defaultLimits } from '../../protocol/limits.ts';
import { createTestWorld } from '../../testing/world.ts';
import { createChannels } from '../channels.ts';
import { createCluster } from '../test/cluster.ts';
import { eventOf, items, range, readFrom } from '../test/reading.ts';

const pointer = (id: string) => eventOf(id, { type: 'pointer.moved', ephemeral: true });

test('an ephemeral event reaches the readers at every relay, once, and at its own relay, too', async () => {
  const { world, relay } = createCluster();
  const relays = [relay(), relay(), relay()] as const;
  const readers = await Promise.all([...relays, ...relays].map((one) => one.read()));
  await relays[0].feed.append(items(pointer('1'), pointer('2')));
  await relays[1].feed.append(items(pointer('3')));
  await world.settle();
  expect(readers.map(({ shown }) => shown)).toEqual(readers.map(() => ['1', '2', '3']));
});

test('it reaches them from a relay at which nobody reads, and none of it is stored', async () => {
  const { world, relay } = createCluster();
  const [one, other] = [relay(), relay()];
  const reader = await other.read();
  expect(await one.feed.append(items(pointer('1')))).toEqual([{ id: '1', status: 'relayed' }]);
  await world.settle();
  expect(reader.shown).toEqual(['1']);
  expect((await one.feed.page({ after: 'earliest', types: [], limit: 10, waitMs: 0 })).events).toEqual([]);
});

test('it comes between the events of the log as it was published, and those come in order, whichever relay appended them', async () => {
  const { world, relay } = createCluster();
  const relays = [relay(), relay(), relay()] as const;
  const readers = await Promise.all(relays.map((one) => one.read()));
  for (const id of range(0, 29)) {
    await relays[id % 3]?.feed.append(items(eventOf(`${id}a`), pointer(`${id}b`), eventOf(`${id}c`)));
    await world.settle();
  }
  const published = range(0, 29);
  for (const [place, { shown }] of readers.entries()) {
    expect(shown.filter((id) => !id.endsWith('b'))).toEqual(published.flatMap((id) => [`${id}a`, `${id}c`]));
    expect(shown.filter((id) => id.endsWith('b'))).toEqual(published.map((id) => `${id}b`));
    // At its own relay it stands where it stood in its batch.
    for (const id of published.filter((id) => id % 3 === place)) {
      expect(shown.slice(shown.indexOf(`${id}a`)).slice(0, 3)).toEqual([`${id}a`, `${id}b`, `${id}c`]);
    }
  }
});

test('a crowd of them comes whole to a reader that takes them', async () => {
  const { world, relay } = createCluster();
  const [one, other] = [relay(), relay()];
  const reader = await other.read();
  const ids = range(0, 999).map(String);
  const appended = one.feed.append(items(...ids.map(pointer)));
  await world.advance(0);
  await appended;
  expect(reader.shown).toEqual(ids);
});

test('what comes from another relay stands in front of a commit that is under way, and does not take it apart', async () => {
  const { world, relay, stranger } = createCluster();
  const [one, neighbour] = [relay(), stranger()];
  const reader = await one.read();
  const answer = one.holdAnswers();
  const appended = one.feed.append(items(eventOf('1'), pointer('2'), eventOf('3')));
  await world.settle();
  neighbour.say({ kind: 'ephemeral', event: pointer('from afar') });
  await world.settle();
  answer();
  await appended;
  expect(reader.shown).toEqual(['from afar', '1', '2', '3']);
});

test('a filter at one relay is asked about the events of the others', async () => {
  const { world, relay } = createCluster();
  const [one, other] = [relay(), relay()];
  const reader = await other.read({ types: ['pointer.*'] });
  await one.feed.append(items(pointer('1'), eventOf('2', { type: 'typing.began', ephemeral: true })));
  await world.settle();
  expect(reader.shown).toEqual(['1']);
  expect((await other.feed.stat()).filtered).toBe(1);
});

test('a relay listens while it has readers and a lifetime more, and leaves no timer when it ends', async () => {
  const { world, relay, stranger } = createCluster({ presenceMs: 1000 });
  const [one, neighbour] = [relay(), stranger()];
  await one.feed.append(items(pointer('1')));
  expect(one.said).toEqual([{ kind: 'ephemeral', event: pointer('1') }]);
  const asked = (): number => one.said.filter(({ kind }) => kind === 'who').length;
  const reader = await one.read();
  await world.advance(60_000);
  reader.leave();
  await world.advance(1000);
  const again = await one.read();
  expect(asked()).toBe(1);
  again.leave();
  await world.advance(2000);
  neighbour.say({ kind: 'ephemeral', event: pointer('2') });
  await world.settle();
  await one.read();
  expect(asked()).toBe(2);
  await one.read({ clientId: 'alice' });
  await one.feed.close();
  const before = one.said.length;
  expect(world.timers).toBe(0);
  neighbour.say({ kind: 'who' });
  await world.advance(60_000);
  expect(one.said.length).toBe(before);
});

test('the channels of two relays hear each other, each its own, and nothing is left when they end', async () => {
  const world = createTestWorld();
  const logs = createMemoryLogs(world);
  const cluster = createMemoryCluster();
  const relays = [cluster.relay(), cluster.relay()].map((neighbours) =>
    createChannels({ logs, world, limits: defaultLimits, report: () => undefined, neighbours }),
  );
  const readers = await Promise.all(relays.map((relay) => readFrom(relay.channel('a'), {}, world)));
  await relays[0]?.channel('b').append(items(pointer('1')));
  await relays[1]?.channel('a').append(items(pointer('2'), eventOf('3')));
  for (const reader of readers) expect((await reader.ids(2)).toSorted()).toEqual(['2', '3']);
  await Promise.all(relays.map((relay) => relay.close()));
  expect(world.timers).toBe(0);
});
