// Who is on a channel that several relays serve: a client is there while it is at any of them.
import { expect, test } from 'vitest';
import { createCluster, type ClusterRelay } from '../test/cluster.ts';

/** A client's lifetime in these tests: a relay speaks four times in it. */
const presenceMs = 1000;
/** Relays answer each other's first question within this. */
const askedMs = 250;

const create = () => createCluster({ presenceMs });

/** Readers who say nothing of themselves, one at each relay, who have learned who is there. */
async function readers({ world }: ReturnType<typeof create>, ...relays: readonly ClusterRelay[]) {
  const all = await Promise.all(relays.map((relay) => relay.read()));
  await world.advance(askedMs);
  return all;
}

test('the readers at every relay are told who comes and who goes, once for each', async () => {
  const cluster = create();
  const relays = [cluster.relay(), cluster.relay(), cluster.relay()] as const;
  const watching = await readers(cluster, ...relays);
  const alice = await relays[1].read({ clientId: 'alice' });
  await cluster.world.settle();
  expect(watching.map(({ shown }) => shown)).toEqual(watching.map(() => ['came alice']));
  await cluster.world.advance(10_000);
  alice.leave();
  await cluster.world.advance(presenceMs - 1);
  for (const { feed } of relays) expect(await feed.presence()).toHaveLength(1);
  expect(watching.map(({ shown }) => shown)).toEqual(watching.map(() => ['came alice']));
  await cluster.world.advance(1);
  for (const { feed } of relays) expect(await feed.presence()).toEqual([]);
  expect(watching.map(({ shown }) => shown)).toEqual(watching.map(() => ['came alice', 'went alice']));
});

test('a client that is at two relays is there until a lifetime after it has left both', async () => {
  const cluster = create();
  const { world } = cluster;
  const [one, other, third] = [cluster.relay(), cluster.relay(), cluster.relay()];
  const watching = await readers(cluster, one, other, third);
  const tabs = [await one.read({ clientId: 'alice' }), await other.read({ clientId: 'alice' })];
  await world.advance(5000);
  tabs[0]?.leave();
  await world.advance(5000);
  expect(await third.clients()).toEqual(['alice']);
  tabs[1]?.leave();
  await world.advance(presenceMs - 1);
  expect(watching.map(({ shown }) => shown)).toEqual(watching.map(() => ['came alice']));
  await world.advance(1);
  expect(watching.map(({ shown }) => shown)).toEqual(watching.map(() => ['came alice', 'went alice']));
});

test('a client that moves from relay to relay within its lifetime has not been away, and is there since it first came', async () => {
  const cluster = create();
  const { world } = cluster;
  const relays = [cluster.relay(), cluster.relay(), cluster.relay()] as const;
  const watching = await readers(cluster, ...relays);
  let at = await relays[0].read({ clientId: 'alice' });
  const [first] = await relays[0].feed.presence();
  for (const relay of [...relays, ...relays, ...relays]) {
    await world.advance(3000);
    at.leave();
    await world.advance(900);
    at = await relay.read({ clientId: 'alice' });
  }
  await world.advance(5000);
  expect(watching.map(({ shown }) => shown)).toEqual(watching.map(() => ['came alice']));
  for (const { feed } of relays) expect(await feed.presence()).toEqual([first]);
});

test('a relay that nobody reads at asks the others, within a quarter of a second, and knows for a lifetime then', async () => {
  const cluster = create();
  const { world } = cluster;
  const [one, other, idle] = [cluster.relay(), cluster.relay(), cluster.relay()];
  await one.read({ clientId: 'alice' });
  await world.advance(10);
  await other.read({ clientId: 'bob' });
  await world.advance(5000);
  let isAnswered = false;
  const asking = Promise.all([idle.feed.presence(), idle.feed.presence()]).finally(() => (isAnswered = true));
  await world.advance(askedMs - 1);
  expect(isAnswered).toBe(false);
  await world.advance(1);
  for (const clients of await asking) expect(clients.map(({ clientId }) => clientId)).toEqual(['alice', 'bob']);
  expect((await idle.feed.presence()).map(({ clientId }) => clientId)).toEqual(['alice', 'bob']);
  expect([idle.feed.isIdle, idle.said]).toEqual([true, [{ kind: 'who' }]]);
  for (let times = 0; times < 5; times += 1) {
    await world.advance(presenceMs);
    expect(await idle.feed.presence()).toHaveLength(2);
  }
  expect(idle.said).toEqual([{ kind: 'who' }]);
  await world.advance(2 * presenceMs);
  expect(await idle.clients()).toEqual(['alice', 'bob']);
  expect(idle.said).toEqual([{ kind: 'who' }, { kind: 'who' }]);
});

test('whoever is there when a relay begins to listen is listed there, and told to nobody', async () => {
  const cluster = create();
  const { world } = cluster;
  const [one, other] = [cluster.relay(), cluster.relay()];
  await one.read({ clientId: 'alice' });
  await world.advance(5000);
  const bob = await other.read({ clientId: 'bob' });
  // Before the relay has learned that she was there at the other.
  await other.read({ clientId: 'alice' });
  await world.advance(askedMs);
  expect(bob.shown).toEqual([]);
  expect(await other.clients()).toEqual(['alice', 'bob']);
});

test('whoever comes while a relay still asks is told of once it has learned', async () => {
  const cluster = create();
  const { world } = cluster;
  const [one, other] = [cluster.relay(), cluster.relay()];
  await one.read({ clientId: 'alice' });
  await world.advance(5000);
  const reader = await other.read();
  const came = [await other.read({ clientId: 'bob' }), await one.read({ clientId: 'carol' })];
  const dave = await other.read({ clientId: 'dave' });
  dave.leave();
  await world.advance(askedMs);
  expect(reader.shown).toEqual(['came bob', 'came carol', 'came dave']);
  for (const { leave } of came) leave();
  await world.advance(presenceMs);
  expect(reader.shown.slice(3).toSorted()).toEqual(['went bob', 'went carol', 'went dave']);
});

test('a relay that dies is noticed: its clients have gone after one lifetime at the least, and one and a half at most', async () => {
  for (const aliveMs of [5000, 5100, 5249]) {
    const cluster = create();
    const { world } = cluster;
    const [one, other] = [cluster.relay(), cluster.relay()];
    await one.read({ clientId: 'alice' });
    const [reader] = await readers(cluster, other);
    await world.advance(aliveMs);
    one.die();
    await world.advance(presenceMs - 1);
    expect([reader?.shown, await other.feed.presence()]).toEqual([[], [expect.anything()]]);
    await world.advance(presenceMs / 2 + 1);
    expect([reader?.shown, await other.feed.presence()]).toEqual([['went alice'], []]);
  }
});

test('whoever comes back at another relay in time has not gone with the one that died, nor with one that was closed', async () => {
  const cluster = create();
  const { world } = cluster;
  const [dying, closing, other] = [cluster.relay(), cluster.relay(), cluster.relay()];
  await dying.read({ clientId: 'alice' });
  await closing.read({ clientId: 'bob' });
  const [reader] = await readers(cluster, other);
  await world.advance(5000);
  dying.die();
  await closing.feed.close();
  await world.advance(presenceMs - 1);
  await other.read({ clientId: 'alice' });
  await other.read({ clientId: 'bob' });
  await world.advance(60_000);
  expect(reader?.shown).toEqual([]);
  expect(await other.clients()).toEqual(['alice', 'bob']);
});

test('four lost messages in a row are no death, and what was lost is asked for', async () => {
  const cluster = create();
  const { world } = cluster;
  const [one, other] = [cluster.relay(), cluster.relay()];
  const alice = await one.read({ clientId: 'alice' });
  const [reader] = await readers(cluster, other);
  await world.advance(5000);
  one.lose(() => true);
  await world.advance(presenceMs);
  await one.read({ clientId: 'bob' });
  one.lose(() => false);
  await world.advance(presenceMs);
  expect(reader?.shown).toEqual(['came bob']);
  // He goes and nobody hears of it, while she stays; then she does, and then nobody is left there to say so.
  const bob = await one.read({ clientId: 'carol' });
  one.lose(({ kind }) => kind === 'went');
  bob.leave();
  await world.advance(2 * presenceMs);
  expect(reader?.shown).toEqual(['came bob', 'came carol', 'went carol']);
  alice.leave();
  await world.advance(2 * presenceMs);
  expect(reader?.shown).toEqual(['came bob', 'came carol', 'went carol', 'went alice']);
});

test('a list of which a part was lost changes nothing, and the next is whole', async () => {
  const cluster = create();
  const { world } = cluster;
  const [one, other] = [cluster.relay(), cluster.relay()];
  const ids = await comeAndLeave(one, 2000);
  let parts = 0;
  one.lose(({ kind }) => kind === 'present' && (parts += 1) === 2);
  await readers(cluster, other);
  expect([parts, await other.feed.presence()]).toEqual([4, []]);
  await world.advance(presenceMs / 4 + 10);
  expect(new Set(await other.clients())).toEqual(new Set(ids));
});

test('clocks that are hours apart decide nothing, and are only shown', async () => {
  const cluster = create();
  const { world } = cluster;
  const [one, other] = [cluster.relay(36e5), cluster.relay(-36e5)];
  const watching = await readers(cluster, one, other);
  const now = world.now();
  const alice = await one.read({ clientId: 'alice' });
  await world.advance(3000);
  expect(await other.feed.presence()).toEqual([{ clientId: 'alice', since: new Date(now + 36e5).toISOString() }]);
  await other.read({ clientId: 'alice' });
  alice.leave();
  await world.advance(3000);
  // The earliest that anybody has said of her.
  for (const { feed } of [one, other]) {
    const [{ since } = { since: '' }] = await feed.presence();
    expect(since < new Date(now).toISOString()).toBe(true);
  }
  expect(watching.map(({ shown }) => shown)).toEqual([['came alice'], ['came alice']]);
});

test('thousands of clients: a relay repeats that it has them in a few bytes, and lists them in messages below 64 KiB', async () => {
  const cluster = create();
  const { world } = cluster;
  const [one, other] = [cluster.relay(), cluster.relay()];
  const [reader] = await readers(cluster, other);
  one.lose(({ kind }) => kind === 'came');
  const ids = await comeAndLeave(one, 2000);
  const before = one.said.length;
  await world.advance(presenceMs / 2);
  expect(new Set(await other.clients())).toEqual(new Set(ids));
  const said = one.said.slice(before);
  const encoder = new TextEncoder();
  const sizeOf = (message: object): number => encoder.encode(JSON.stringify(message)).length;
  expect(Math.max(...said.map(sizeOf))).toBeLessThan(64 * 1024);
  const [lists, beats] = [said.filter(({ kind }) => kind === 'present'), said.filter(({ kind }) => kind === 'here')];
  expect([lists.length, beats.length]).toEqual([4, 3]);
  expect(Math.max(...beats.map(sizeOf))).toBeLessThan(100);
  expect(reader?.shown.length).toBe(2000);
  // All of them go with their relay, and of each it is told.
  one.die();
  await world.advance(2 * presenceMs);
  expect([reader?.shown.length, new Set(reader?.shown).size]).toEqual([4000, 4000]);
});

/** So many come, and are there for a lifetime: nobody has to read for that. */
async function comeAndLeave(relay: ClusterRelay, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${index}-\ud800"é🦩${'x'.repeat(60)}`);
  for (const clientId of ids) (await relay.read({ clientId })).leave();
  return ids;
}
