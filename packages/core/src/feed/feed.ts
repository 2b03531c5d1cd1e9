// One channel of a relay: append → announce → replay → live. Its rooms do the work; this joins them.
import type { CloudEvent } from '../event/cloudevent.ts';
import { Failure, isFailure, toFailure } from '../failure.ts';
import type { Log, LogNews } from '../ports/log.ts';
import type { Stop, World } from '../ports/world.ts';
import { encodeEventFrame } from '../protocol/frames.ts';
import type { Limits } from '../protocol/limits.ts';
import { formatOffset, parsePosition, resolvePosition } from '../protocol/offset.ts';
import { encodeEphemeral } from '../protocol/record.ts';
import type { Attach, Channel, ChannelPage, ChannelStat, PageQuery, StreamQuery } from './channel.ts';
import { createCounts, type DeliveryCounts } from './counts.ts';
import { createGroup } from './group.ts';
import { createPager } from './pager.ts';
import { createPresence } from './presence.ts';
import { createRetention } from './retention.ts';
import { createRing } from './ring.ts';
import { createSubscriptionStream } from './stream.ts';
import { createSubscribers } from './subscribers.ts';
import type { FeedSide, Source, Subscription } from './subscriber.ts';
import { createSubscription } from './subscription.ts';
import { compileFilter } from './filter.ts';

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
}

/** An open log, and the epoch it is in. */
interface Opened {
  readonly log: Log;
  readonly epoch: string;
  readonly stop: Stop;
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
  const subscribers = createSubscribers(world, limits.heartbeatMs);
  let current: Promise<Opened> | undefined;
  let removing: Promise<unknown> | undefined;
  let epoch = '';
  let head = 0;
  let removals = 0;
  let busy = 0;
  let isClosed = false;
  let drainRetryMs: (() => number) | undefined;

  const source: Source = {
    get epoch() {
      return epoch;
    },
    get head() {
      return head;
    },
    ring,
    async read(epoch, sequence) {
      try {
        return await withLog(({ log }) => log.read({ epoch, sequence }, replayEvents));
      } catch (error) {
        // A log that is being removed is closed under its readers; they are told of the gap once it is gone.
        await removing;
        throw error;
      }
    },
  };
  const side: FeedSide = { channel, source, world, counts, report };
  const group = createGroup({
    commit: (events, refused) =>
      withLog(async ({ log, epoch }) => ({ epoch, appended: await log.append(events, refused) })),
    head: () => head,
    relay,
    settled: () => subscribers.announce(),
  });
  const presence = createPresence({
    world,
    lifetimeMs: limits.presenceMs,
    clientsMax: limits.subscribersMax,
    tell(type, clientId) {
      const time = new Date(world.now()).toISOString();
      const base = { specversion: '1.0', id: world.id(), source: `/v1/channels/${channel}`, type, time } as const;
      relay({ ...base, subject: clientId, ephemeral: true, data: { clientId } }, head);
      if (!group.isCommitting) subscribers.announce();
    },
  });
  const retention = createRetention({
    world,
    limits,
    byAge: parts.trimsByAge ?? true,
    report,
    trim: (bounds) => withLog(({ log }) => log.trim(bounds)),
  });
  const pager = createPager(world, counts);

  return {
    append: (items) =>
      use(async () => {
        if (drainRetryMs !== undefined) throw draining(drainRetryMs());
        return group.add(items);
      }),
    page: (query) => use(() => page(query)),
    stream: (query) => use(async () => createSubscriptionStream(await subscribe(query))),
    subscribe: (query) => use(() => subscribe(query)),
    stat: () => use(stat),
    presence: () => use(async () => presence.list()),
    remove: () => use(remove),
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
      if (isClosed) return;
      isClosed = true;
      retention.stop();
      presence.stop();
      subscribers.end();
      pager.end();
      await group.exclusive(async () => undefined);
      await removing;
      const last = await current?.catch(() => undefined);
      last?.stop();
      await last?.log.close();
    },
  };

  function relay(event: CloudEvent, after: number): void {
    if (subscribers.size === 0) return;
    const bytes = encoder.encode(encodeEventFrame(encodeEphemeral(event, channel), null));
    const { type, source, subject = '' } = event;
    subscribers.relay({ bytes, type, attributes: event, key: JSON.stringify([source, type, subject]), after });
  }

  async function use<T>(work: () => Promise<T>): Promise<T> {
    if (isClosed) throw closed(channel);
    busy += 1;
    try {
      await removing;
      const before = removals;
      return await work().catch(async (error: unknown) => {
        // Its log was removed while it looked: it looks again, at the next one.
        await removing;
        if (isClosed || removals === before || !isFailure(error, 'Closed')) throw error;
        return work();
      });
    } finally {
      if (current !== undefined) retention.touch(0, 0);
      busy -= 1;
    }
  }

  function opened(): Promise<Opened> {
    if (current === undefined && isClosed) throw closed(channel);
    current ??= openLog().catch((error: unknown) => {
      current = undefined;
      throw toFailure(error);
    });
    return current;
  }

  /** Asks the log. One that another relay has removed, as it can while the one before still drains, is let go of. */
  async function withLog<T>(ask: (its: Opened) => Promise<T>): Promise<T> {
    const its = await opened();
    try {
      return await ask(its);
    } catch (error) {
      await letGo(its, error);
      throw error;
    }
  }

  async function page(query: PageQuery): Promise<ChannelPage> {
    let its: Opened | undefined;
    try {
      return await pager.page(query, async () => {
        its = await opened();
        return its.log;
      });
    } catch (error) {
      if (its !== undefined) await letGo(its, error);
      throw error;
    }
  }

  async function letGo(its: Opened, error: unknown): Promise<void> {
    // Our own removal lets go of it by itself.
    if (isFailure(error, 'Closed') && removing === undefined) await forget(its);
  }

  async function forget(gone: Opened): Promise<void> {
    if ((await current?.catch(() => undefined)) !== gone || isClosed) return;
    current = undefined;
    removals += 1;
    gone.stop();
    await gone.log.close();
    if (subscribers.size > 0) await opened();
  }

  async function openLog(): Promise<Opened> {
    const log = await parts.open();
    // Follows first and asks for the head then, so that nothing is committed between the two unheard.
    let isKnown = false;
    let heard = 0;
    const stop = log.follow((news) => {
      if (isKnown) hear(news);
      else heard = news.records.at(-1)?.sequence ?? heard;
    });
    const stat = await log.stat();
    isKnown = true;
    const [previousEpoch, previousHead] = [epoch, head];
    epoch = stat.epoch;
    head = Math.max(heard, stat.head);
    if (previousEpoch !== '' && previousEpoch !== epoch) {
      ring.clear();
      subscribers.restart(previousHead);
    }
    pager.wake();
    retention.touch(0, 0);
    return { log, epoch, stop };
  }

  function hear({ records }: LogNews): void {
    // Nobody reads: a thousand quiet channels are not to hold a ring each. Who comes later begins in the log.
    if (subscribers.size > 0) ring.push(epoch, records);
    head = Math.max(head, records.at(-1)?.sequence ?? 0);
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
    const stat = await withLog(({ log }) => log.stat());
    if (drainRetryMs !== undefined) throw draining(drainRetryMs());
    if (subscribers.size >= limits.subscribersMax) {
      throw new Failure('RateLimited', `the channel "${channel}" has its ${limits.subscribersMax} subscribers`, {
        retryAfterMs: crowdedRetryMs,
      });
    }
    // Another relay's events may be in the log before they are announced here.
    head = Math.max(head, stat.head);
    const resolved = resolvePosition(position, stat);
    return (sink) => {
      // Removed since: what it was to begin behind is no more.
      const isStale = stat.epoch !== epoch;
      const { after, gap } = isStale ? { after: 0, gap: { missed: null, reason: 'epoch' } as const } : resolved;
      // Before it reads: it is the others who are told.
      const leave = clientId === undefined || isClosed ? undefined : presence.join(clientId);
      const subscription = subscribers.add(until, (left) => {
        const ended = (its: Subscription): void => {
          left(its);
          leave?.();
          if (subscribers.size === 0) ring.clear();
        };
        return createSubscription(side, { sink, after, gap, wants, ephemerals, heartbeat, ended });
      });
      if (drainRetryMs !== undefined) subscription.drain(drainRetryMs());
      if (isClosed) subscription.end();
      return subscription;
    };
  }

  async function stat(): Promise<ChannelStat> {
    const { epoch, head, tail, bytes, published, duplicates, refused } = await withLog(({ log }) => log.stat());
    const { delivered, filtered, dropped, since } = counts;
    return {
      published,
      duplicates,
      refused,
      delivered,
      filtered,
      dropped: { ...dropped },
      subscribers: subscribers.size,
      queueDepth: subscribers.pending,
      head: formatOffset(epoch, head),
      tail: formatOffset(epoch, tail > head ? head : tail),
      bytes,
      since: new Date(since).toISOString(),
    };
  }

  async function remove(): Promise<boolean> {
    const work = group.exclusive(async () => {
      if (!(await parts.remove())) return false;
      const last = await current?.catch(() => undefined);
      // Only readers need the next log now; who appends or asks opens it.
      if (last !== undefined) await forget(last);
      return true;
    });
    const settled = work.catch(() => undefined);
    removing = settled;
    try {
      return await work;
    } finally {
      // A second removal may wait behind this one, and is under way then.
      if (removing === settled) removing = undefined;
      pager.wake();
    }
  }
}

function closed(channel: string): Failure {
  return new Failure('Closed', `the channel "${channel}" is closed: the relay has ended`);
}

function draining(retryAfterMs: number): Failure {
  return new Failure('Draining', 'this relay is going away; come back to the next one', { retryAfterMs });
}
