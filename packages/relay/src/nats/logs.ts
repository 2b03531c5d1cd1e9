// The logs of a cluster: a stream for each channel, and one that says which channels there are.
import { Failure, type Appended, type Log, type Logs, type Stop, type World } from '@godwit/core';
import { epochOf } from '@godwit/core/feed';
import { halfSipHash, type IdentityHash } from '../identities/hash.ts';
import { closed, openChannel, type SharedChannel } from './channel.ts';
import type { StoredHead, Stream, Streams } from './stream.ts';

/** Logs of a cluster. */
export interface ClusterLogs extends Logs {
  /** Rejects with `StorageFailed` while the cluster's host cannot take anything. */
  ready(): Promise<void>;
}

/** No channel's name: the stream of the channels' names. */
const registryName = '';
/** Channels that are asked for at once. */
const asksAtOnce = 32;
const noBody = new Uint8Array();

/** How long to wait where another relay has just written to the registry. */
const hearAgainMs = 10;

/**
 * How long nothing is appended once the host is there again: relays that know what it may have lost come back within half of this, and
 * say so before anything else is given the same place.
 */
const settledMs = 3000;

/** A channel, and how many use it here. */
interface Entry {
  readonly channel: SharedChannel;
  uses: number;
}

/** What the first message of the registry says: the same to every relay. */
interface Cluster {
  /** Of every channel that nobody has removed yet. */
  readonly epoch: string;
  readonly hash: IdentityHash;
}

/**
 * Opens the logs that a cluster's streams hold.
 *
 * @throws Failure `StorageFailed` where the host does not answer, or holds what is none of ours
 */
export async function openClusterLogs(parts: {
  readonly streams: Streams;
  readonly world: World;
  readonly report: (failure: Failure) => void;
  /** The most events that a channel holds. */
  readonly eventsMax?: number;
}): Promise<ClusterLogs> {
  const { streams, world, report, eventsMax } = parts;
  const registry = streams.stream(registryName);
  await registry.create('the channels of this cluster');
  const { epoch: firstEpoch, hash } = await clusterOf(registry, world);
  const names = new Set<string>();
  const entries = new Map<string, Entry>();
  let number = 1;
  let isClosed = false;
  let settled = Promise.resolve();
  for await (const message of registry.heads(number + 1)) hear(message);
  const stopHearing = registry.follow(number + 1, hear, () => {
    report(new Failure('StorageFailed', 'the stream of the channels was removed: restart the relays of this cluster'));
  });
  const stopReturns = streams.onReturn(() => {
    settled = new Promise((resolve) => world.after(settledMs, resolve));
    for (const { channel } of entries.values()) channel.returned();
  });

  return {
    async open(name) {
      assertOpen();
      return openLog(name);
    },
    async channels() {
      assertOpen();
      const all = [...names];
      const live: string[] = [];
      for (let from = 0; from < all.length; from += asksAtOnce) {
        const some = all.slice(from, from + asksAtOnce);
        const are = await Promise.all(some.map((name) => use(name, (channel) => channel.isLive())));
        live.push(...some.filter((_, index) => are[index]));
      }
      return live.sort();
    },
    async remove(name) {
      assertOpen();
      return use(name, (channel) => channel.remove());
    },
    ready: () => streams.ready(),
    async close() {
      if (isClosed) return;
      isClosed = true;
      stopHearing();
      stopReturns();
      for (const { channel } of entries.values()) channel.end();
      await streams.close();
    },
  };

  function hear({ number: its, head }: StoredHead): void {
    number = Math.max(number, its);
    const name = channelIn(head);
    if (name === undefined) return;
    names.add(name);
    entries.get(name)?.channel.appeared();
  }

  function openLog(name: string): Log {
    const entry = taken(name);
    const { channel } = entry;
    const stops = new Set<Stop>();
    let isLogClosed = false;
    const assertLogOpen = (): void => {
      assertOpen();
      if (isLogClosed || channel.isOver) throw closed(name);
    };
    return {
      append: (events, refused) =>
        new Promise<readonly Appended[]>((resolve, reject) => {
          assertLogOpen();
          channel.append({ events, refused, resolve, reject });
        }),
      async read(position, limit) {
        assertLogOpen();
        return channel.read(position, limit);
      },
      follow(listener, ended) {
        const stop = channel.follow({ hears: (news) => listener(news), ended: () => ended?.() });
        const own = (): void => {
          stops.delete(own);
          stop();
        };
        stops.add(own);
        return own;
      },
      async stat() {
        assertLogOpen();
        return channel.stat();
      },
      async trim(bounds) {
        assertLogOpen();
        return channel.trim(bounds);
      },
      async close() {
        if (isLogClosed) return;
        isLogClosed = true;
        for (const stop of stops) stop();
        letGo(name, entry);
      },
    } satisfies Log;
  }

  async function use<T>(name: string, work: (channel: SharedChannel) => Promise<T>): Promise<T> {
    const entry = taken(name);
    try {
      return await work(entry.channel);
    } finally {
      letGo(name, entry);
    }
  }

  function taken(name: string): Entry {
    const known = entries.get(name);
    const entry = known === undefined || known.channel.isOver ? { channel: makeChannel(name), uses: 0 } : known;
    entries.set(name, entry);
    entry.uses += 1;
    return entry;
  }

  /** What nobody uses any more is forgotten. */
  function letGo(name: string, entry: Entry): void {
    entry.uses -= 1;
    if (entry.uses > 0) return;
    entry.channel.end();
    if (entries.get(name) === entry) entries.delete(name);
  }

  function makeChannel(name: string): SharedChannel {
    const stream = streams.stream(name);
    const made = {
      name,
      stream,
      world,
      hash,
      firstEpoch,
      report,
      settled: () => settled,
      register: () => register(name, stream),
    };
    return openChannel(eventsMax === undefined ? made : { ...made, eventsMax });
  }

  /** The registry knows of a channel before it holds anything, so that no relay misses it. */
  async function register(name: string, stream: Stream): Promise<void> {
    await stream.create(name);
    while (!names.has(name)) {
      assertOpen();
      const stored = await registry.append({ head: JSON.stringify({ channel: name }), body: noBody }, number);
      if (stored !== undefined) hear({ number: stored, head: JSON.stringify({ channel: name }) });
      // Another relay was quicker: what it has said is heard in a moment.
      else await new Promise<void>((resolve) => world.after(hearAgainMs, resolve));
    }
  }

  function assertOpen(): void {
    if (isClosed) throw new Failure('Closed', 'the logs of this relay are closed');
  }
}

async function clusterOf(registry: Stream, world: World): Promise<Cluster> {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2));
  const mine = JSON.stringify({ v: 1, epoch: epochOf(world.id()), key: [low, high] });
  const first = (await registry.read(1)) ?? (await begun());
  const value: unknown = JSON.parse(first?.head || 'null');
  if (!isCluster(value)) {
    const message = 'the stream of the channels is not a relay’s, or of a newer release; name another prefix';
    throw new Failure('StorageFailed', message);
  }
  return { epoch: value.epoch, hash: halfSipHash(value.key) };

  async function begun(): Promise<{ readonly head: string } | undefined> {
    // Undefined where another relay was quicker.
    await registry.append({ head: mine, body: noBody }, 0);
    return registry.read(1);
  }
}

function isCluster(value: unknown): value is { readonly epoch: string; readonly key: readonly [number, number] } {
  const { v, epoch, key } = Object(value) as Readonly<Record<string, unknown>>;
  const isKey = Array.isArray(key) && key.length === 2 && key.every((word) => Number.isInteger(word));
  return v === 1 && typeof epoch === 'string' && isKey;
}

function channelIn(head: string): string | undefined {
  try {
    const { channel } = Object(JSON.parse(head)) as Readonly<Record<string, unknown>>;
    return typeof channel === 'string' ? channel : undefined;
  } catch {
    return undefined;
  }
}
