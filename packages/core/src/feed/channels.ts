// All the channels of a relay in one process: feeds are made when they are used, and the idle ones let go.
import { isFailure, type Failure } from '../failure.ts';
import type { Logs } from '../ports/log.ts';
import type { Neighbours } from '../ports/neighbours.ts';
import type { World } from '../ports/world.ts';
import { assertChannel } from '../protocol/channel.ts';
import type { Limits } from '../protocol/limits.ts';
import { compileRetention, type RetentionRule } from '../protocol/retention.ts';
import type { Channel, Channels, ChannelStat } from './channel.ts';
import { createFeed, type Feed } from './feed.ts';
import { createCounts, type DeliveryCounts } from './counts.ts';
import { channelStat } from './stat.ts';
import { startSweep } from './sweep.ts';

/** A relay's channels, and their end. */
export interface ServedChannels extends Channels {
  /** By name: those that hold something, and those that are read. Of ephemeral events nothing is stored, and their readers count. */
  list(): Promise<readonly string[]>;
  /** Tells every reader to come back to another relay, and refuses appends from now on. */
  drain(retryAfterMs: () => number): void;
  /** Ends every stream and closes every log; the `Logs` stay open for whoever opened them to close. */
  close(): Promise<void>;
}

/** Feeds that nobody uses are kept for a while, since whoever posted once will post again. */
const idleFeedsMax = 1000;
/** How many feeds one use of another looks at to find an idle one: where all are in use, each use must stay cheap. */
const releaseLooksMax = 8;
/** Counts of feeds that were let go; beyond, the oldest begin anew, and their `since` says so. */
const countsMax = 10_000;

/**
 * Makes the channels of `logs`. Nothing is opened before it is used, but by the sweep, which drops what is too old: now,
 * and every hour until `close`.
 */
export function createChannels(parts: {
  readonly logs: Logs;
  readonly world: World;
  readonly limits: Limits;
  /** What channels keep whose names match; the others as `limits` says. */
  readonly retention?: readonly RetentionRule[] | undefined;
  readonly report: (failure: Failure) => void;
  /** Where several relays serve the same channels: what this one says and hears of each. */
  readonly neighbours?: ((channel: string) => Neighbours) | undefined;
}): ServedChannels {
  const { logs, world, report } = parts;
  const limitsOf = compileRetention(parts.limits, parts.retention);
  /** In the order of their last use. */
  const feeds = new Map<string, Feed>();
  const counts = new Map<string, DeliveryCounts>();
  /** What no counts are known of has had nothing delivered, as far as anybody knows, since then. */
  let countedSince = world.now();
  let drainRetryMs: (() => number) | undefined;
  let isClosed = false;
  const sweep = startSweep({ logs, world, limitsOf, report });

  return {
    channel(name) {
      assertChannel(name);
      return {
        append: (items) => feedOf(name).append(items),
        page: (query) => feedOf(name).page(query),
        stream: (query) => feedOf(name).stream(query),
        subscribe: (query) => feedOf(name).subscribe(query),
        stat: () => statOf(name),
        presence: () => feedOf(name).presence(),
        remove: () => feedOf(name).remove(),
      } satisfies Channel;
    },
    async list() {
      const held = await logs.channels();
      const used = new Set([...feeds].flatMap(([name, feed]) => (feed.isIdle ? [] : [name])));
      for (const name of held) used.delete(name);
      return used.size === 0 ? held : [...held, ...used].sort();
    },
    drain(retryAfterMs) {
      drainRetryMs = retryAfterMs;
      for (const feed of feeds.values()) feed.drain(retryAfterMs);
    },
    async close() {
      isClosed = true;
      await Promise.all([sweep.stop(), ...[...feeds.values()].map((feed) => feed.close())]);
    },
  };

  /** Without a feed where there is none: whoever asks for the numbers of all channels would make one for each, and push out those in use. */
  async function statOf(name: string): Promise<ChannelStat> {
    if (feeds.has(name) || isClosed) return feedOf(name).stat();
    try {
      const log = await logs.open(name);
      try {
        const known = counts.get(name) ?? createCounts(countedSince);
        return channelStat(await log.stat(), known, { subscribers: 0, queueDepth: 0 });
      } finally {
        await log.close();
      }
    } catch (error) {
      // Removed under its hands: a feed knows how to look again.
      if (isFailure(error, 'Closed')) return feedOf(name).stat();
      throw error;
    }
  }

  function feedOf(name: string): Feed {
    const feed = feeds.get(name) ?? make(name);
    feeds.delete(name);
    feeds.set(name, feed);
    sweep.touch();
    if (feeds.size > idleFeedsMax) release();
    return feed;
  }

  function make(channel: string): Feed {
    const [open, remove] = [() => logs.open(channel), () => logs.remove(channel)];
    const known = counts.get(channel);
    const neighbours = parts.neighbours?.(channel);
    const made = { channel, open, remove, world, limits: limitsOf(channel), report, neighbours };
    const feed = createFeed(known === undefined ? made : { ...made, counts: known });
    if (drainRetryMs !== undefined) feed.drain(drainRetryMs);
    if (isClosed) void feed.close();
    return feed;
  }

  /** Lets an idle feed go, of those used longest ago. One that is in use is looked at again when the others have been. */
  function release(): void {
    let looks = 0;
    for (const [name, feed] of feeds) {
      if (looks === releaseLooksMax || looks === feeds.size - 1) return;
      looks += 1;
      feeds.delete(name);
      if (feed.isIdle) {
        remember(name, feed.counts);
        void feed.close();
        return;
      }
      feeds.set(name, feed);
    }
  }

  function remember(name: string, its: DeliveryCounts): void {
    counts.delete(name);
    counts.set(name, its);
    const [oldest] = counts.keys();
    if (counts.size <= countsMax || oldest === undefined) return;
    counts.delete(oldest);
    countedSince = world.now();
  }
}
