// Seeded clusters: clients come, go and move, messages are lost, relays die. Nobody is told of twice, and at rest all relays agree.
import { expect, test } from 'vitest';
import { mulberry32 } from '../../src/testing/world.ts';
import { createCluster, type ClusterReader } from '../../src/feed/test/cluster.ts';

const presenceMs = 1000;
const clientIds = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const steps = 60;

/** How a cluster goes: without faults, what was told is checked against what was so at every time. */
async function play(seed: number, faults: 'none' | 'losses' | 'deaths'): Promise<void> {
  const random = mulberry32(seed);
  const whole = (max: number): number => Math.floor(random() * max);
  const { world, relay } = createCluster({ presenceMs });
  const relays = Array.from({ length: 3 }, () => ({ ...relay(whole(1e9)), isDead: false }));
  const watching = await Promise.all(relays.map((one) => one.read()));
  await world.advance(250);
  const start = world.now();
  const open: { readonly at: (typeof relays)[number]; readonly clientId: string; readonly reader: ClusterReader }[] =
    [];
  const lastSeen = new Map<string, number>();
  const see = (): void => {
    for (const { at, clientId } of open) if (!at.isDead) lastSeen.set(clientId, world.now());
  };
  const mustBeThere = (): readonly string[] =>
    clientIds.filter((clientId) => world.now() - (lastSeen.get(clientId) ?? start - presenceMs) < presenceMs);

  for (let step = 0; step < steps; step += 1) {
    const at = relays[whole(relays.length)];
    const clientId = clientIds[whole(clientIds.length)] ?? '';
    const dice = random();
    if (at !== undefined && dice < 0.4 && !at.isDead) {
      open.push({ at, clientId, reader: await at.read({ clientId }) });
    } else if (dice < 0.8) {
      const [gone] = open.splice(whole(open.length), 1);
      see();
      if (gone !== undefined && !gone.at.isDead) lastSeen.set(gone.clientId, world.now());
      gone?.reader.leave();
    } else if (at !== undefined && faults === 'losses') at.lose(() => random() < 0.5);
    else if (
      at !== undefined &&
      faults === 'deaths' &&
      dice > 0.97 &&
      relays.filter(({ isDead }) => isDead).length < 2
    ) {
      see();
      at.isDead = true;
      at.die();
    }
    see();
    await world.advance(whole(2) * whole(1500));
    see();
    if (faults === 'losses') continue;
    for (const [index, { isDead, feed }] of relays.entries()) {
      if (isDead) continue;
      const listed = (await feed.presence()).map((client) => client.clientId);
      expect(listed.toSorted(), `seed ${seed}`).toEqual(thereOf(watching[index]?.shown ?? []));
      if (faults === 'none') expect(listed.toSorted(), `seed ${seed}`).toEqual(mustBeThere());
      else expect(listed, `seed ${seed}`).toEqual(expect.arrayContaining([...mustBeThere()]));
    }
  }
  for (const { lose } of relays) lose(() => false);
  await world.advance(3 * presenceMs);
  const truth = [...new Set(open.filter(({ at }) => !at.isDead).map(({ clientId }) => clientId))].toSorted();
  for (const [index, { isDead, feed, reported }] of relays.entries()) {
    expect(reported).toEqual([]);
    if (isDead) continue;
    expect((await feed.presence()).map(({ clientId }) => clientId).toSorted(), `seed ${seed}`).toEqual(truth);
    expect(thereOf(watching[index]?.shown ?? []), `seed ${seed}`).toEqual(truth);
  }
  const unread = relay();
  expect((await unread.clients()).toSorted(), `seed ${seed}`).toEqual(truth);
  await Promise.all([...relays, unread].map(({ feed }) => feed.close()));
  expect(world.timers).toBe(0);
}

/** Who is there by what was told: nobody comes twice, and nobody goes who has not come. */
function thereOf(told: readonly string[]): readonly string[] {
  const there = new Set<string>();
  for (const line of told) {
    const [what, clientId = ''] = line.split(' ');
    expect(there.has(clientId), told.join(', ')).toBe(what === 'went');
    if (what === 'went') there.delete(clientId);
    else there.add(clientId);
  }
  return [...there].toSorted();
}

test.each(['none', 'losses', 'deaths'] as const)(
  'in 50 seeded clusters with faults of the kind: %s',
  async (faults) => {
    for (let seed = 1; seed <= 50; seed += 1) await play(seed, faults);
  },
);
