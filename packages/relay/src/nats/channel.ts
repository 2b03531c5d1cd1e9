// A channel at one relay of a cluster: a copy of what its stream makes of it, and writes that hold if the copy was up to date.
import {
  Failure,
  isFailure,
  type Appended,
  type LogNews,
  type LogPage,
  type LogPosition,
  type LogRecord,
  type LogStat,
  type Stop,
  type TrimBounds,
  type World,
} from '@godwit/core';
import { epochOf, resolvePosition } from '@godwit/core/feed';
import type { IdentityHash } from '../identities/hash.ts';
import { draftAppends, trimmed, type Draft, type Job } from './commit.ts';
import { decodeBody, decodeHead, encodeBody, encodeHead, type ChannelHead, type CommitHead } from './head.ts';
import { createReplica, heldEventsMax, type Replica, type Segment } from './replica.ts';
import type { Message, StoredHead, StoredMessage, Stream } from './stream.ts';

/** The most UTF-16 units of JSON on a page, unless its first record alone is larger. */
const pageSizeMax = 256 * 1024;
/** Messages that are asked for at once: a page of small commits takes some round trips, not hundreds. */
const readsAtOnce = 32;
/** The most events in a commit of several appends. */
const groupEventsMax = 1000;
/** What a host that does not answer is asked again, and after how long. */
const triesMax = 4;
const tryAgainMs = 250;
/** How often others may be quicker before whoever appends is told that it is too much. */
const racesMax = 100;
/** After so many races a relay waits for a moment, longer each time up to `waitMsMax`: so does each of those that race. */
const racesAtOnce = 3;
const waitMsMax = 64;
/** How long a host that seems to have lost something is given to find it. */
const surelyLostMs = 1000;
/** How long what the stream holds may take until it is heard. */
const hearWithinMs = 10_000;

/** Who uses an open channel. */
export interface Follower {
  hears(news: LogNews): void;
  /** The log has ended: it was removed, or is in another epoch. */
  ended(): void;
}

/** The newest message that was read: it is lost with whatever comes before it. */
export interface Mark {
  readonly number: number;
  /** By whom it was; of a stranger's, the newest before it that is ours. */
  readonly by: string | undefined;
  readonly generation: number;
}

/** A channel, shared by all logs of it that are open here. */
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
export interface ChannelParts {
  readonly name: string;
  readonly stream: Stream;
  readonly world: World;
  readonly hash: IdentityHash;
  /** The epoch of a channel that nothing was ever written to. */
  readonly firstEpoch: string;
  /** Makes its stream, and tells every relay of it. */
  readonly register: () => Promise<void>;
  /** How far this relay had read it before. */
  readonly mark?: Mark | undefined;
  /** Resolves once whoever else knows what the host may have lost has said so. */
  readonly settled: () => Promise<void>;
  readonly report: (failure: Failure) => void;
  /** The most events that it holds. */
  readonly eventsMax?: number;
}

/** A write that is under way. */
interface Writing {
  readonly by: string;
  /** Its message has been read in the stream. */
  wasRead: boolean;
}

/** Opens a channel. It asks for nothing before it is used. */
export function openChannel(parts: ChannelParts): SharedChannel {
  const { name, stream, world, hash, firstEpoch, register, settled, report, eventsMax = heldEventsMax } = parts;
  const replica = createReplica();
  const followers = new Set<Follower>();
  const waiting = new Set<() => void>();
  let jobs: Job[] = [];
  let writing: Writing | undefined;
  /** Writes, one behind the other: two of one relay would only race each other. */
  let last: Promise<unknown> = Promise.resolve();
  let loading: Promise<void> | undefined;
  let stopFollowing: Stop | undefined;
  let droppedBefore = 0;
  let [isOver, hasDiverged] = [false, false];
  /** How far it was read before: until that is looked at. */
  let known = parts.mark;

  return {
    append(job) {
      if (jobs.push(job) === 1) void exclusive(commit);
    },
    async read(position, limit) {
      await load();
      const knows = typeof position === 'object' && position.epoch === epoch() && position.sequence <= current().head;
      if (!knows) await catchUp();
      for (;;) {
        assertThere();
        const { head, tail } = current();
        const { after, gap } = resolvePosition(position, { epoch: epoch(), head, tail });
        const records = await recordsBehind(after, limit);
        if (records !== undefined) {
          const page: LogPage = { epoch: epoch(), records, after, head };
          return gap === undefined ? page : { ...page, gap };
        }
        // Another relay has trimmed what was to be read.
        await catchUp();
      }
    },
    follow(follower) {
      followers.add(follower);
      // What is wrong is told to whoever asks how the log stands.
      load().catch(() => undefined);
      return () => followers.delete(follower);
    },
    async stat() {
      if (loading !== undefined) {
        await load();
        await catchUp();
        return statOf(current());
      }
      return statOf(await peek());
    },
    trim: (bounds) => exclusive(() => trim(bounds)),
    remove: () => exclusive(remove),
    async isLive() {
      return (loading === undefined ? await peek() : (await load(), current())).isLive;
    },
    appeared() {
      if (loading !== undefined) void load().then(listen, () => undefined);
    },
    returned() {
      if (loading === undefined) return;
      load()
        .then(() => insist(catchUp))
        .catch((error: unknown) => {
          if (!isFailure(error, 'Closed')) report(asFailure(error));
        });
    },
    end,
    get isOver() {
      return isOver;
    },
    get mark() {
      return replica.number === 0 ? known : mark();
    },
  };

  function current(): ChannelHead {
    return replica.head ?? blank(firstEpoch);
  }

  function epoch(): string {
    return current().epoch;
  }

  function mark(): Mark {
    return { number: replica.number, by: replica.head?.by, generation: current().generation };
  }

  function assertThere(): void {
    if (isOver) throw closed(name);
  }

  /** Reads the stream, and listens for what is added to it. Tried again by the next who asks, where it fails. */
  async function load(): Promise<void> {
    assertThere();
    loading ??= (async () => {
      const found = await stream.newest();
      if (known !== undefined && isLost(found, known)) await surelyLost(known);
      known = undefined;
      if (found === undefined && (await stream.newest()) === undefined) return;
      for await (const { number, head } of stream.heads(replica.number + 1)) replica.read(number, decodeHead(head));
      listen();
    })().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  }

  function listen(): void {
    if (isOver) return;
    stopFollowing ??= stream.follow(replica.number + 1, heard, () => {
      stopFollowing = undefined;
      end();
    });
  }

  function heard(message: StoredMessage): void {
    try {
      take(message);
    } catch (error) {
      // A newer release's: nothing behind it can be understood.
      report(asFailure(error));
      end();
    }
  }

  /** Takes the next message; `records` where they are known. Those that were taken already it passes over. */
  function take({ number, head: text, body }: StoredMessage, records?: readonly LogRecord[]): void {
    if (isOver || hasDiverged || number <= replica.number) return;
    const before = epoch();
    const head = decodeHead(text);
    const isNext = number === replica.number + 1;
    if (head !== undefined && isNext && head.behind !== (replica.head?.by ?? '')) return void diverged();
    replica.read(number, head);
    if (head !== undefined && head.by === writing?.by) writing.wasRead = true;
    for (const wake of waiting) wake();
    if (epoch() !== before) return end();
    if (head === undefined || head.hashes.length === 0 || followers.size === 0) return;
    const news = { records: records ?? decodeBody(body, head) };
    for (const follower of followers) follower.hears(news);
  }

  /** Resolves once the message of a number has been taken. */
  function taken(number: number): Promise<void> {
    listen();
    return new Promise((resolve, reject) => {
      const stop = world.after(hearWithinMs, () => {
        waiting.delete(look);
        reject(new Failure('StorageFailed', `"${name}" goes on elsewhere, but this relay does not hear of it`, again));
      });
      const look = (): void => {
        if (!isOver && replica.number < number) return;
        waiting.delete(look);
        stop();
        if (isOver) reject(closed(name));
        else resolve();
      };
      waiting.add(look);
      look();
    });
  }

  /** Takes everything that any relay had been told was stored. */
  async function catchUp(): Promise<void> {
    assertThere();
    const had = mark();
    const newest = await stream.newest();
    const number = newest?.number ?? 0;
    if (isLost(newest, had)) await surelyLost(had);
    else if (number > replica.number) await taken(number);
    assertThere();
  }

  /** Whether the host no longer holds what was read of it. */
  function isLost(newest: StoredHead | undefined, had: Mark): boolean {
    const { number = 0, head = '' } = newest ?? {};
    // Of a stranger's message nothing is known.
    const by = number === had.number ? decodeHead(head)?.by : undefined;
    return number < had.number || (by !== undefined && by !== had.by);
  }

  /** A host that has just come back may not have read all that it holds. */
  async function surelyLost(had: Mark): Promise<void> {
    await later(surelyLostMs);
    const newest = await stream.newest();
    if (isLost(newest, had)) await renew(had);
  }

  /** What comes follows on something else than what was read. */
  async function diverged(): Promise<void> {
    hasDiverged = true;
    try {
      await insist(() => renew(mark()));
    } catch (error) {
      report(asFailure(error));
    }
    end();
  }

  /** The host has lost what was told of: offsets that were given are not given to other events. */
  async function renew(had: Mark): Promise<void> {
    const held = createReplica();
    const newest = await stream.newest();
    if (newest === undefined) await register();
    for await (const { number, head } of stream.heads(1)) held.read(number, decodeHead(head));
    const { head, segments } = held;
    // Another relay has said so already, or made another log.
    if (head !== undefined && head.generation > had.generation) return endOld();
    report(
      new Failure(
        'StorageFailed',
        `the host of "${name}" has lost what it had acknowledged: the log begins a new epoch`,
      ),
    );
    const left = channelOf(head ?? blank(firstEpoch));
    const channel = {
      ...left,
      epoch: epochOf(world.id()),
      generation: Math.max(left.generation, had.generation) + 1,
      // It may have kept that something was dropped, and not why.
      tail: segments[0]?.first ?? left.head + 1,
      bytes: segments.reduce((sum, { size }) => sum + size, 0),
    };
    const message = await messageOf({ by: world.id(), behind: head?.by ?? '' }, { channel, ...nothing });
    const stored = await insist(() => stream.append(message, newest?.number ?? 0));
    // Another relay was quicker: to say the same, or not.
    if (stored === undefined && !isOver) return renew(had);
    endOld();
  }

  /** What was read is another log's. */
  function endOld(): void {
    if (replica.number > 0) end();
  }

  async function peek(): Promise<ChannelHead> {
    assertThere();
    const newest = await stream.newest();
    const isAsRead = known === undefined || !isLost(newest, known);
    if (newest === undefined && isAsRead) return blank(firstEpoch);
    const head = newest === undefined ? undefined : decodeHead(newest.head);
    if (head !== undefined && isAsRead) return head;
    await load();
    return current();
  }

  async function commit(): Promise<void> {
    while (jobs.length > 0) {
      const group = takeGroup();
      try {
        const { outcomes } = await write(() => draftGroup(group));
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

  function draftGroup(group: readonly Job[]): ReturnType<typeof draftAppends> {
    let page: readonly LogRecord[] = [];
    // A batch that is sent again hits the same commit a thousand times.
    const recordAt = async (sequence: number): Promise<LogRecord | undefined> => {
      const isHere = recordIn(page, sequence);
      if (isHere !== undefined) return isHere;
      const segment = replica.segments[replica.indexOf(sequence)];
      page = segment === undefined ? [] : ((await recordsOf(segment)) ?? []);
      return recordIn(page, sequence);
    };
    return draftAppends(group, { name, channel: current(), replica, hash, recordAt, eventsMax });
  }

  async function trim(bounds: TrimBounds): Promise<number> {
    const before = { tail: 1 };
    const { channel } = await write(async () => {
      const channel = current();
      before.tail = channel.tail;
      return { channel: trimmed(channel, replica.segments, bounds), ...nothing };
    });
    // Also what an append has pushed out, or another relay did not get to.
    const oldest = replica.segments[0]?.number ?? replica.number;
    if (oldest > droppedBefore) await stream.drop(oldest);
    droppedBefore = oldest;
    return channel.tail - before.tail;
  }

  async function remove(): Promise<boolean> {
    await load();
    await catchUp();
    if (!current().isLive) return false;
    await write(async () => {
      const generation = current().generation + 1;
      return { channel: { ...blank(epochOf(world.id())), generation }, ...nothing };
    });
    const { number } = replica;
    end();
    // What is left of the old log is nobody's: the message that ends it says so, whether this succeeds or not.
    await stream.drop(number).catch((error: unknown) => report(asFailure(error)));
    return true;
  }

  /**
   * Makes the channel what `make` says, which is asked anew whenever another relay was quicker. Nothing is written where that is
   * what the channel is already.
   */
  async function write<Made extends Draft>(make: () => Promise<Made>): Promise<Made> {
    await load();
    for (let race = 0; race < racesMax; race += 1) {
      if (race >= racesAtOnce) await later(world.random() * Math.min(waitMsMax, 2 ** (race - racesAtOnce)));
      assertThere();
      const behind = replica.number;
      const made = await make();
      if (replica.number !== behind) continue;
      if (isSame(made.channel, current())) return made;
      const its: Writing = { by: world.id(), wasRead: false };
      const message = await messageOf({ by: its.by, behind: replica.head?.by ?? '' }, made);
      assertThere();
      if (replica.number !== behind) continue;
      writing = its;
      try {
        if (behind === 0) await register();
        const number = await put(message, behind);
        if (number !== undefined) take({ ...message, number }, made.records);
        else if (replica.number === behind) await catchUp();
        listen();
        if (number !== undefined || its.wasRead) return made;
      } finally {
        writing = undefined;
      }
    }
    throw new Failure('StorageFailed', `too many relays write to "${name}" at once`, again);
  }

  /** Whoever does not hear whether its message was stored gives it again: only one of the two can be behind the same one. */
  async function insist<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await ask();
      } catch (error) {
        if (attempt === triesMax || isOver) throw error;
        await later(tryAgainMs * attempt);
      }
    }
  }

  async function put(message: Message, behind: number): Promise<number | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await settled();
        assertThere();
        return await stream.append(message, behind);
      } catch (error) {
        if (replica.number > behind) return undefined;
        if (attempt === triesMax || isOver) throw error;
        await later(tryAgainMs * attempt);
      }
    }
  }

  async function messageOf(
    its: Pick<CommitHead, 'by' | 'behind'>,
    { channel, records, hashes, size }: Draft,
  ): Promise<Message> {
    const head: CommitHead = { ...channelOf(channel), ...its, at: Math.floor(world.now()), size, hashes };
    return { head: encodeHead(head), body: await encodeBody(records) };
  }

  /** The records behind a sequence that is held; undefined where some of them are no longer. */
  async function recordsBehind(after: number, limit: number): Promise<readonly LogRecord[] | undefined> {
    const records: LogRecord[] = [];
    if (after >= current().head) return records;
    let size = 0;
    const { segments } = replica;
    for (let from = replica.indexOf(after + 1); from < segments.length;) {
      const run = enough(segments.slice(from, from + readsAtOnce), limit - records.length, after);
      for (const its of await Promise.all(run.map(recordsOf))) {
        if (its === undefined) return undefined;
        for (const record of its) {
          if (record.sequence <= after) continue;
          size += record.json.length;
          if (records.length === limit || (size > pageSizeMax && records.length > 0)) return records;
          records.push(record);
        }
      }
      from += run.length;
    }
    return records;
  }

  async function recordsOf({ number }: Segment): Promise<readonly LogRecord[] | undefined> {
    const message = await stream.read(number);
    const head = message === undefined ? undefined : decodeHead(message.head);
    return message === undefined || head === undefined ? undefined : decodeBody(message.body, head);
  }

  function end(): void {
    if (isOver) return;
    isOver = true;
    stopFollowing?.();
    const abandoned = jobs;
    jobs = [];
    for (const job of abandoned) job.reject(closed(name));
    for (const wake of waiting) wake();
    for (const follower of followers) follower.ended();
    followers.clear();
  }

  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  function later(ms: number): Promise<void> {
    return new Promise((resolve) => world.after(ms, resolve));
  }
}

const again = { retryAfterMs: 1000 };
/** What a message brings that only says how the channel stands. */
const nothing = { records: [], hashes: [], size: 0 } as const;

function recordIn(records: readonly LogRecord[], sequence: number): LogRecord | undefined {
  return records[sequence - (records[0]?.sequence ?? 0)];
}

/** As few of them as fill a page: so many events behind a sequence, or so many bytes. */
function enough(segments: readonly Segment[], limit: number, after: number): readonly Segment[] {
  let [events, bytes] = [0, 0];
  const end = segments.findIndex(({ first, n, size }) => {
    const isFull = events > limit || bytes > pageSizeMax;
    events += first + n - Math.max(first, after + 1);
    bytes += size;
    return isFull;
  });
  return end < 0 ? segments : segments.slice(0, Math.max(1, end));
}

function isSame(one: ChannelHead, other: ChannelHead): boolean {
  const { epoch, isLive, head, tail, duplicates, refused } = one;
  const counts = head === other.head && tail === other.tail && duplicates === other.duplicates;
  return counts && refused === other.refused && epoch === other.epoch && isLive === other.isLive;
}

function channelOf(head: ChannelHead): ChannelHead {
  const { epoch, generation, isLive, head: newest, tail, bytes, published, duplicates, refused } = head;
  return { epoch, generation, isLive, head: newest, tail, bytes, published, duplicates, refused };
}

function blank(epoch: string): ChannelHead {
  return { epoch, generation: 0, isLive: false, head: 0, tail: 1, bytes: 0, published: 0, duplicates: 0, refused: 0 };
}

function statOf({ epoch, head, tail, bytes, published, duplicates, refused }: ChannelHead): LogStat {
  return { epoch, head, tail, bytes, published, duplicates, refused };
}

function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('StorageFailed', String(error), { cause: error });
}

/** Said to whoever uses a log that has ended. */
export function closed(name: string): Failure {
  return new Failure('Closed', `the log of "${name}" is closed: its channel was removed, or the relay has ended`);
}
