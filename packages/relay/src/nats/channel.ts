// A channel at one relay of a cluster, shared by all logs of it that are open here.
import {
  Failure,
  isFailure,
  type LogPage,
  type LogPosition,
  type LogStat,
  type Stop,
  type TrimBounds,
} from '@godwit/core';
import { epochOf, resolvePosition } from '@godwit/core/feed';
import type { IdentityHash } from '../identities/hash.ts';
import { draftAppends, trimmed, type Job } from './commit.ts';
import { blankHead, nothing, type ChannelHead } from './head.ts';
import { closed, openHearing, type Follower, type HearingParts } from './hearing.ts';
import type { Mark } from './loss.ts';
import { openReading } from './reading.ts';
import { heldEventsMax } from './replica.ts';
import { asFailure, comeBack, insist } from './retry.ts';
import { openWriting } from './writing.ts';

/** The most events in a commit of several appends. */
const groupEventsMax = 1000;
/** How often a page is read anew since another relay has trimmed it. */
const readsMax = 10;

/** A channel. */
export interface SharedChannel {
  append(job: Job): void;
  read(position: LogPosition, limit: number): Promise<LogPage>;
  follow(follower: Follower): Stop;
  stat(): Promise<LogStat>;
  trim(bounds: TrimBounds): Promise<number>;
  /** Begins a new log, empty and of another epoch. Answers whether there was one. */
  remove(): Promise<boolean>;
  /** Whether it holds, or has held, something. */
  isLive(): Promise<boolean>;
  /** Another relay may have made its stream just now. */
  appeared(): void;
  /** The host was away: it may have lost what it had acknowledged. */
  returned(): void;
  /** Another log is in its place, or the relay ends: what it is asked from now on it rejects with `Closed`. */
  end(): void;
  readonly isOver: boolean;
  /** How far it was read; undefined where it was not. */
  readonly mark: Mark | undefined;
}

/** What a channel is made of. */
export interface ChannelParts extends HearingParts {
  readonly hash: IdentityHash;
  /** Resolves once whoever else knows what the host may have lost has said so. */
  readonly settled: () => Promise<void>;
  /** The most events that it holds. */
  readonly eventsMax?: number;
}

/** Opens a channel. It asks for nothing before it is used. */
export function openChannel(parts: ChannelParts): SharedChannel {
  const { name, stream, world, hash, report, eventsMax = heldEventsMax } = parts;
  const hearing = openHearing(parts);
  const { replica } = hearing;
  const reading = openReading(stream, replica);
  const write = openWriting(hearing, parts);
  let jobs: Job[] = [];
  /** Writes, one behind the other: two of one relay would only race each other. */
  let last: Promise<unknown> = Promise.resolve();
  let droppedBefore = 0;

  return {
    append(job) {
      if (jobs.push(job) === 1) void exclusive(commit);
    },
    async read(position, limit) {
      await hearing.load();
      const { epoch, head } = hearing.current;
      const knows = typeof position === 'object' && position.epoch === epoch && position.sequence <= head;
      if (!knows) await hearing.catchUp();
      for (let times = 0; times < readsMax; times += 1) {
        hearing.assertThere();
        const { epoch, head, tail } = hearing.current;
        const { after, gap } = resolvePosition(position, { epoch, head, tail });
        const records = await reading.behind(after, limit);
        if (records !== undefined) {
          const page: LogPage = { epoch, records, after, head };
          return gap === undefined ? page : { ...page, gap };
        }
        await hearing.catchUp();
      }
      throw new Failure('StorageFailed', `of "${name}" something is not held that should be`, comeBack);
    },
    follow(follower) {
      const stop = hearing.follow(follower);
      // What is wrong is told to whoever asks how the log stands.
      hearing.load().catch(() => undefined);
      return stop;
    },
    async stat() {
      if (!hearing.isLoading) return statOf(await hearing.peek());
      await hearing.load();
      await hearing.catchUp();
      return statOf(hearing.current);
    },
    trim: (bounds) => exclusive(() => trim(bounds)),
    remove: () => exclusive(remove),
    async isLive() {
      if (!hearing.isLoading) return (await hearing.peek()).isLive;
      await hearing.load();
      return hearing.current.isLive;
    },
    appeared() {
      if (hearing.isLoading) hearing.load().then(hearing.listen, () => undefined);
    },
    returned() {
      if (!hearing.isLoading) return;
      hearing
        .load()
        .then(() => insist(hearing.catchUp, { world, isOver: () => hearing.isOver }))
        .catch((error: unknown) => {
          if (!isFailure(error, 'Closed')) report(asFailure(error));
        });
    },
    end() {
      hearing.end();
      const abandoned = jobs;
      jobs = [];
      for (const job of abandoned) job.reject(closed(name));
    },
    get isOver() {
      return hearing.isOver;
    },
    get mark() {
      return hearing.mark;
    },
  };

  async function commit(): Promise<void> {
    while (jobs.length > 0) {
      const group = takeGroup();
      try {
        const { outcomes } = await write(() => {
          const recordAt = reading.finder();
          return draftAppends(group, { name, channel: hearing.current, replica, hash, recordAt, eventsMax });
        });
        group.forEach((job, index) => job.resolve(outcomes[index] ?? []));
      } catch (error) {
        for (const job of group) job.reject(error);
      }
    }
  }

  function takeGroup(): readonly Job[] {
    let events = 0;
    const end = jobs.findIndex((job, index) => (events += job.events.length) > groupEventsMax && index > 0);
    const group = end < 0 ? jobs : jobs.slice(0, end);
    jobs = jobs.slice(group.length);
    return group;
  }

  async function trim(bounds: TrimBounds): Promise<number> {
    let tail = 1;
    const { channel } = await write(async () => {
      const { current } = hearing;
      ({ tail } = current);
      return { channel: trimmed(current, replica.segments, bounds), ...nothing };
    });
    // Also what an append has pushed out, or another relay did not get to.
    const oldest = replica.segments[0]?.number ?? replica.number;
    if (oldest > droppedBefore) await stream.drop(oldest);
    droppedBefore = oldest;
    return channel.tail - tail;
  }

  async function remove(): Promise<boolean> {
    await hearing.load();
    await hearing.catchUp();
    if (!hearing.current.isLive) return false;
    await write(async () => {
      const generation = hearing.current.generation + 1;
      return { channel: { ...blankHead(epochOf(world.id())), generation }, ...nothing };
    });
    const { number } = replica;
    hearing.end();
    // What is left of the old log is nobody's: the message that ends it says so, whether this succeeds or not.
    await stream.drop(number).catch((error: unknown) => report(asFailure(error)));
    return true;
  }

  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }
}

function statOf({ epoch, head, tail, bytes, published, duplicates, refused }: ChannelHead): LogStat {
  return { epoch, head, tail, bytes, published, duplicates, refused };
}
