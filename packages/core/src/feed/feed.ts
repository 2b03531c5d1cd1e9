// One channel of a relay: append → announce → replay → live. Its rooms do the work; this joins them.
import type { CloudEvent } from '../event/cloudevent.ts';
import { Failure } from '../failure.ts';
import type { Log, LogRecord } from '../ports/log.ts';
import type { Neighbours } from '../ports/neighbours.ts';
import type { World } from '../ports/world.ts';
import { encodeEventFrame } from '../protocol/frames.ts';
import type { Limits } from '../protocol/limits.ts';
import { parsePosition, resolvePosition } from '../protocol/offset.ts';
import { ephemeralIn } from '../protocol/record.ts';
import type { Attach, Channel, ChannelStat } from './channel.ts';
import type { StreamQuery } from './query.ts';
import { createCounts, type DeliveryCounts } from './counts.ts';
import { createGroup } from './group.ts';
import { holdLog } from './held-log.ts';
import { createJoiner } from './joined.ts';
import { createNeighbourhood } from './neighbours/neighbourhood.ts';
import { createPager } from './pager.ts';
import { createPresence, type PresenceChange } from './presence.ts';
import { createRetention } from './retention.ts';
import { createRing } from './ring.ts';
import { channelStat } from './stat.ts';
import { createSubscriptionStream } from './stream.ts';
import { createSubscribers } from './subscribers.ts';
import type { FeedSide, Source, Subscription } from './subscriber.ts';
import { createSubscription } from './subscription.ts';
import { compileFilter } from './filter.ts';
import { turn } from './turn.ts';

/** A channel that this process serves. */
export interface Feed extends Channel {
  /** See `Channel.subscribe`: a feed is in this process. */
  subscribe(query: StreamQuery): Promise<Attach>;
  /** Nobody reads it live, and nothing is under way. */
  readonly isIdle: boolean;
  readonly counts: DeliveryCounts;
  /** Says to every reader that the relay goes away, after how long to come back, and ends; appends are refused from now on. */
  drain(retryAfterMs: () => number): void;
  /** Ends every stream and closes the log. */
  close(): Promise<void>;
}

/** What a feed is made of. */
export interface FeedParts {
  readonly channel: string;
  /** Opens the log. Called at the first use, and again after a removal or a failure. */
  readonly open: () => Promise<Log>;
  /** Forgets the log; see `Logs.remove`. */
  readonly remove: () => Promise<boolean>;
  readonly world: World;
  readonly limits: Limits;
  /**
   * False where the host drops what is too old, as a Durable Object does by its alarm: a timer would keep it awake. What is
   * too much is dropped here all the same.
   */
  readonly trimsByAge?: boolean;
  /** What went wrong where nobody is there to be told. */
  readonly report: (failure: Failure) => void;
  /** Counts to go on with, of an earlier feed of this channel in this process. */
  readonly counts?: DeliveryCounts;
  /** Other relays that serve the channel from the same log, where there are any. */
  readonly neighbours?: Neighbours | undefined;
}

/** How many records a reader behind the ring gets at once. */
const replayEvents = 256;
/** A reader that came one too many tries again in a while, not at once. */
const crowdedRetryMs = 5000;

const encoder = new TextEncoder();

/** Makes a channel's feed. It opens nothing and sets no timer before it is used. */
export function createFeed(parts: FeedParts): Feed {
  const { channel, world, limits, report } = parts;
  const counts = parts.counts ?? createCounts(world.now());
  const ring = createRing(limits.ringBytes);
  const joiner = createJoiner();
  const subscribers = createSubscribers(world, limits.heartbeatMs);
  let busy = 0;
  let announcing: Promise<void> | undefined;
  let drainRetryMs: (() => number) | undefined;

  const held = holdLog({
    channel,
    open: parts.open,
    forget: parts.remove,
    exclusive: (work) => group.exclusive(work),
    isRead: () => subscribers.size > 0,
    after: (ms, callback) => world.after(ms, callback),
    opened,
    heard,
  });
  const source: Source = {
    place: held.place,
    ring,
    async read(epoch, sequence) {
      try {
        return await held.ask((log) => log.read({ epoch, sequence }, replayEvents));
      } catch (error) {
        // A log that is being removed is closed under its readers; they are told of the gap once it is gone.
        await held.removed();
        throw error;
      }
    },
  };
  const side: FeedSide = { channel, source, joined: joiner.joined, world, counts, report };
  const group = createGroup({
    commit: (events, refused) =>
      held.ask(async (log, epoch) => ({ epoch, appended: await log.append(events, refused) })),
    head: () => held.place.head,
    relay: parts.neighbours === undefined ? relay : relayEverywhere,
    settled: () => subscribers.announce(),
    limits,
    turn: () => turn(world),
  });
  const clients = { world, lifetimeMs: limits.presenceMs, clientsMax: limits.subscribersMax, tell };
  const { neighbours } = parts;
  const isRead = (): boolean => subscribers.size > 0;
  const neighbourhood =
    neighbours && createNeighbourhood({ ...clients, channel, neighbours, isRead, relay: relayBeside, report });
  const presence = neighbourhood ?? createPresence(clients);
  const retention = createRetention({
    world,
    limits,
    byAge: parts.trimsByAge ?? true,
    report,
    trim: (bounds) => held.ask((log) => log.trim(bounds)),
  });
  const pager = createPager(world, counts);

  return {
    append: (items) =>
      use(async () => {
        if (drainRetryMs !== undefined) throw draining(drainRetryMs());
        return group.add(items);
      }),
    page: (query) => use(() => pager.page(query, (from, limit) => held.ask((log) => log.read(from, limit)))),
    stream: (query) => use(async () => createSubscriptionStream(await subscribe(query))),
    subscribe: (query) => use(() => subscribe(query)),
    stat: () => use(stat),
    presence: () => use(async () => presence.list()),
    remove: () => use(() => held.remove().finally(pager.wake)),
    get isIdle() {
      return busy === 0 && subscribers.size === 0 && presence.size === 0;
    },
    counts,
    drain(retryAfterMs) {
      const wholeMs = (): number => Math.ceil(retryAfterMs());
      drainRetryMs = wholeMs;
      subscribers.drain(wholeMs);
      pager.end();
    },
    async close() {
      if (held.isClosed) return;
      const closed = held.close();
      retention.stop();
      presence.stop();
      subscribers.end();
      pager.end();
      await closed;
    },
  };

  function relay(event: CloudEvent, after: number): void {
    if (subscribers.size === 0) return;
    const sent = ephemeralIn(channel, event);
    const bytes = encoder.encode(encodeEventFrame(JSON.stringify(sent), null));
    const { type, source, subject = '' } = event;
    subscribers.relay({ bytes, type, attributes: sent, key: JSON.stringify([source, type, subject]), after });
  }

  function relayEverywhere(event: CloudEvent, after: number): void {
    neighbourhood?.say(event);
    relay(event, after);
  }

  /** Of no commit here. Those that come in one turn go out together. */
  function relayBeside(event: CloudEvent): void {
    relay(event, group.after);
    announcing ??= announceSoon();
  }

  async function announceSoon(): Promise<void> {
    await Promise.resolve();
    announcing = undefined;
    if (!group.isCommitting) subscribers.announce();
  }

  function tell(type: PresenceChange, clientId: string): void {
    const time = new Date(world.now()).toISOString();
    const base = { specversion: '1.0', id: world.id(), source: `/v1/channels/${channel}`, type, time } as const;
    relayBeside({ ...base, subject: clientId, ephemeral: true, data: { clientId } });
  }

  async function use<T>(work: () => Promise<T>): Promise<T> {
    busy += 1;
    try {
      return await held.use(work);
    } finally {
      if (held.isOpen) retention.touch(0, 0);
      busy -= 1;
    }
  }

  function opened(previousHead: number | undefined): void {
    if (previousHead !== undefined) {
      ring.clear();
      subscribers.restart(previousHead);
    }
    pager.wake();
    retention.touch(0, 0);
  }

  function heard(records: readonly LogRecord[]): void {
    // Nobody reads: a thousand quiet channels are not to hold a ring each. Who comes later begins in the log.
    if (subscribers.size > 0) ring.push(held.place.epoch, records);
    // While our own commit is under way, its ephemeral events are yet to be put between its others.
    if (!group.isCommitting) subscribers.announce();
    pager.wake();
    retention.touch(
      records.reduce((sum, { json }) => sum + json.length, 0),
      records.length,
    );
  }

  async function subscribe(query: StreamQuery): Promise<Attach> {
    const { until, heartbeat, ephemerals = 'skip', clientId } = query;
    const position = parsePosition(query.after === '' ? 'latest' : query.after);
    const wants = compileFilter(query);
    const stat = await held.stat();
    if (drainRetryMs !== undefined) throw draining(drainRetryMs());
    if (subscribers.size >= limits.subscribersMax) {
      throw new Failure('RateLimited', `the channel "${channel}" has its ${limits.subscribersMax} subscribers`, {
        retryAfterMs: crowdedRetryMs,
      });
    }
    const resolved = resolvePosition(position, stat);
    return (sink) => {
      // Removed since: what it was to begin behind is no more.
      const isStale = stat.epoch !== held.place.epoch;
      const { after, gap } = isStale ? { after: 0, gap: { missed: null, reason: 'epoch' } as const } : resolved;
      neighbourhood?.listen();
      // Before it reads: it is the others who are told.
      const leave = clientId === undefined || held.isClosed ? undefined : presence.join(clientId);
      const subscription = subscribers.add(until, (left) => {
        const ended = (its: Subscription): void => {
          left(its);
          leave?.();
          if (subscribers.size > 0) return;
          ring.clear();
          joiner.clear();
        };
        return createSubscription(side, { sink, after, gap, wants, ephemerals, heartbeat, ended });
      });
      if (drainRetryMs !== undefined) subscription.drain(drainRetryMs());
      if (held.isClosed) subscription.end();
      return subscription;
    };
  }

  async function stat(): Promise<ChannelStat> {
    return channelStat(await held.stat(), counts, { subscribers: subscribers.size, queueDepth: subscribers.pending });
  }
}

function draining(retryAfterMs: number): Failure {
  return new Failure('Draining', 'this relay is going away; come back to the next one', { retryAfterMs });
}
