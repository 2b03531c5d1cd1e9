// A cluster by seed: relays that write, read, trim and remove at random, over a host and ways to it that fail at random. Whatever
// happens, what was acknowledged is where it was said to be, and nobody hears anything twice.
import { isFailure, type CloudEvent, type Log } from '@godwit/core';
import { mulberry32 } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { eventOf, startCluster, type Cluster, type ClusterRelay } from './testing/cluster.ts';

const seeds = 200;
const steps = 60;
const relays = 3;
const channel = 'room';

/** What was acknowledged, by epoch and sequence. */
interface Ledger {
  readonly told: Map<string, string>;
  /** How often it was said of an event in an epoch that it is new. */
  readonly appended: Map<string, number>;
}

test.each(Array.from({ length: seeds }, (_, index) => index + 1))('seed %i', async (seed) => {
  const random = mulberry32(seed);
  const upTo = (count: number): number => Math.floor(random() * count);
  const cluster = await startCluster(relays, { seed });
  const { host, world } = cluster;
  host.faults.travelMs = () => upTo(20);
  host.faults.followMs = () => upTo(200);
  host.faults.append = () => (random() < 0.1 ? (['stored', 'lost', 'late'] as const)[upTo(3)] : undefined);
  const ledger: Ledger = { told: new Map(), appended: new Map() };
  const readers = cluster.relays.map((relay) => startReader(relay, cluster));
  const under: Promise<void>[] = [];
  let [cutOff, toldAt] = [0, 0];
  for (let step = 0; step < steps; step += 1) {
    const relay = cluster.relays[upTo(relays)];
    if (relay === undefined) throw new Error('no relay');
    const chance = random();
    if (chance < 0.7)
      under.push(
        publish(
          relay,
          ledger,
          Array.from({ length: 1 + upTo(4) }, () => eventOf(`${upTo(80)}`)),
        ),
      );
    else if (chance < 0.75)
      under.push(using(relay, (log) => log.trim({ before: 0, bytesMax: Infinity, eventsMax: 5 + upTo(20) })));
    else if (chance < 0.77) under.push(relay.logs.remove(channel).then(ignore, ignore));
    else if (chance < 0.83 && world.now() > toldAt) {
      relay.streams.cut();
      cutOff += 1;
      world.after(upTo(3000), () => {
        relay.streams.mend();
        // Until it has looked.
        world.after(5000, () => (cutOff -= 1));
      });
    } else if (chance < 0.86) {
      host.leave();
      const lost = random() < 0.3 ? 1 + upTo(3) : 0;
      world.after(upTo(3000), () => {
        // Whoever knows what is lost is there to say so: what a relay knows that is cut off just then, nobody else can.
        const isTold = cutOff === 0;
        if (isTold && lost > 0) toldAt = world.now() + 5000;
        host.back(isTold ? lost : 0);
      });
    }
    await world.advance(upTo(300));
  }
  host.faults.append = undefined;
  for (const { streams } of cluster.relays) streams.mend();
  host.back();
  await world.advance(60_000);
  await Promise.all(under);
  await check(cluster, ledger);
  await world.advance(1000);
  for (const reader of readers) reader.check(ledger);
});

async function publish(relay: ClusterRelay, ledger: Ledger, events: readonly CloudEvent[]): Promise<void> {
  await using(relay, async (log) => {
    const outcomes = await log.append(events, 0);
    // The log that answered is the one that was asked: a new epoch closes it.
    const { epoch } = await log.stat();
    for (const [index, { status, sequence }] of outcomes.entries()) {
      const { id = '' } = events[index] ?? {};
      const place = `${epoch} ${sequence}`;
      expect(ledger.told.get(place) ?? id).toBe(id);
      ledger.told.set(place, id);
      if (status === 'appended') ledger.appended.set(place, (ledger.appended.get(place) ?? 0) + 1);
    }
  });
}

/** Whoever meets a log that has ended, or a host that is away, does without. */
async function using(relay: ClusterRelay, work: (log: Log) => Promise<unknown>): Promise<void> {
  try {
    const log = await relay.logs.open(channel);
    try {
      await work(log);
    } finally {
      await log.close();
    }
  } catch (error) {
    if (!isFailure(error)) throw error;
    expect(['Closed', 'StorageFailed']).toContain(error.name);
  }
}

/** Follows a channel through its epochs, as a feed does. */
function startReader({ logs }: ClusterRelay, { world }: Cluster): { check(ledger: Ledger): void } {
  const heard: { readonly epoch: string; readonly sequence: number; readonly id: string }[] = [];
  const again = (): void => void world.after(50, () => void follow());
  const follow = async (): Promise<void> => {
    const log = await logs.open(channel);
    const early: { readonly sequence: number; readonly id: string }[] = [];
    let epoch: string | undefined;
    let isOver = false;
    const letGo = (): void => {
      if (isOver) return;
      isOver = true;
      void log.close();
      again();
    };
    log.follow(({ records }) => {
      for (const { sequence, json } of records) {
        const { id } = JSON.parse(json) as CloudEvent;
        if (epoch === undefined) early.push({ sequence, id });
        else heard.push({ epoch, sequence, id });
      }
    }, letGo);
    try {
      const stat = await log.stat();
      epoch = stat.epoch;
      for (const { sequence, id } of early) heard.push({ epoch, sequence, id });
    } catch {
      letGo();
    }
  };
  void follow();
  return {
    check({ told }) {
      for (const { epoch, sequence, id } of heard) expect(told.get(`${epoch} ${sequence}`) ?? id).toBe(id);
      const places = heard.map(({ epoch, sequence }) => `${epoch} ${sequence}`);
      expect(new Set(places).size).toBe(places.length);
      for (const [index, { epoch, sequence }] of heard.entries()) {
        const before = heard[index - 1];
        if (before?.epoch === epoch) expect(sequence).toBeGreaterThan(before.sequence);
      }
    },
  };
}

async function check({ relays: all, world }: Cluster, { told, appended }: Ledger): Promise<void> {
  for (const [, times] of appended) expect(times).toBe(1);
  const looks = all.map(async ({ logs }) => {
    const log = await logs.open(channel);
    const { epoch, head, tail, ...counts } = await log.stat();
    const { records } = await log.read('earliest', 10_000);
    await log.close();
    return { epoch, head, tail, counts, ids: records.map(({ json }) => (JSON.parse(json) as CloudEvent).id) };
  });
  await world.advance(10_000);
  const [first, ...others] = await Promise.all(looks);
  if (first === undefined) throw new Error('no relay');
  for (const other of others) expect(other).toEqual(first);
  const { epoch, head, tail, ids, counts } = first;
  expect(ids).toHaveLength(head - tail + 1);
  expect(new Set(ids).size).toBe(ids.length);
  expect(counts.published).toBe(head);
  // Everything acknowledged in the epoch that is, and not trimmed since, is where it was said to be.
  for (const [place, id] of told) {
    const [its, sequence] = place.split(' ');
    if (its === epoch && Number(sequence) >= tail) expect(ids[Number(sequence) - tail]).toBe(id);
  }
}

function ignore(): void {}
