// The logs of a cluster: a stream for each channel, and one that says which channels there are.
import { Failure, isFailure, type Appended, type Log, type Logs, type Stop, type World } from '@godwit/core';
import { openChannel, type SharedChannel } from './channel.ts';
import { closed } from './hearing.ts';
import { isBefore, type Mark } from './loss.ts';
import { openRegistry } from './registry.ts';
import type { Streams } from './stream.ts';

/** Logs of a cluster. */
export interface ClusterLogs extends Logs {
  /** Rejects with `StorageFailed` while the cluster's host cannot take anything. */
  ready(): Promise<void>;
}

/** No channel's name: the stream of the channels' names. */
const registryName = '';
/** Channels that are asked for at once. */
const asksAtOnce = 32;

/**
 * How long nothing is appended once the host is there again: relays that know what it may have lost come back within half of this, and
 * say so before anything else is given the same place.
 */
const settledMs = 3000;

/** Of so many channels that nobody uses it is remembered how far they were. */
const marksMax = 10_000;

/** A channel, and how many use it here. */
interface Entry {
  readonly channel: SharedChannel;
  uses: number;
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
  const entries = new Map<string, Entry>();
  const marks = new Map<string, Mark>();
  let isClosed = false;
  let settled = Promise.resolve();
  const registry = await openRegistry(streams.stream(registryName), {
    world,
    report,
    heard: (name) => entries.get(name)?.channel.appeared(),
  });
  const { epoch: firstEpoch, hash } = registry;
  const stopReturns = streams.onReturn(() => {
    settled = new Promise((resolve) => void world.after(settledMs, resolve));
    registry.returned();
    for (const { channel } of entries.values()) channel.returned();
    lookAgain().catch(() => undefined);
  });

  return {
    async open(name) {
      assertOpen();
      return openLog(name);
    },
    async channels() {
      assertOpen();
      const all = registry.names();
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
      try {
        return await use(name, (channel) => channel.remove());
      } catch (error) {
        // Another relay was quicker: what is there now is another log, or none.
        if (isClosed || !isFailure(error, 'Closed')) throw error;
        return use(name, (channel) => channel.remove());
      }
    },
    ready: () => streams.ready(),
    async close() {
      if (isClosed) return;
      isClosed = true;
      registry.stop();
      stopReturns();
      for (const { channel } of entries.values()) channel.end();
      await streams.close();
    },
  };

  /** At what nobody uses: a few at once. What cannot be asked now is when it is opened. */
  async function lookAgain(): Promise<void> {
    const all = [...marks.keys()];
    for (let from = 0; from < all.length; from += asksAtOnce) {
      assertOpen();
      const some = all.slice(from, from + asksAtOnce);
      await Promise.allSettled(some.map((name) => use(name, (channel) => channel.stat())));
    }
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
    if (known?.channel.isOver === true) remember(name, known.channel.mark);
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
    remember(name, entry.channel.mark);
    if (entries.get(name) === entry) entries.delete(name);
  }

  /** What it had told: the host may lose that while nobody uses the channel. */
  function remember(name: string, mark: Mark | undefined): void {
    const known = marks.get(name);
    if (mark === undefined || (known !== undefined && isBefore(mark, known))) return;
    marks.delete(name);
    marks.set(name, mark);
    const [oldest] = marks.keys();
    if (marks.size > marksMax && oldest !== undefined) marks.delete(oldest);
  }

  function makeChannel(name: string): SharedChannel {
    const stream = streams.stream(name);
    const made = {
      name,
      stream,
      world,
      hash,
      firstEpoch,
      mark: marks.get(name),
      report,
      settled: hasSettled,
      isRegistered: () => registry.has(name),
      async register() {
        await stream.create(name);
        // It is known of before it holds anything, so that no relay misses it.
        await registry.add(name);
      },
    };
    return openChannel(eventsMax === undefined ? made : { ...made, eventsMax });
  }

  async function hasSettled(): Promise<void> {
    // It may go away again meanwhile.
    for (let its: Promise<void> | undefined; its !== settled;) await (its = settled);
  }

  function assertOpen(): void {
    if (isClosed) throw new Failure('Closed', 'the logs of this relay are closed');
  }
}
