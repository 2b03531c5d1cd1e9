// A channel's stream as a relay hears it: read once, then followed; every message is taken once and in order.
import { Failure, type LogNews, type LogRecord, type Stop } from '@godwit/core';
import { blankHead, decodeBody, decodeHead, type ChannelHead } from './head.ts';
import { isLost, isPurged, renew, renewIfLost, type LossParts, type Mark } from './loss.ts';
import { createReplica, type Replica } from './replica.ts';
import { asFailure, comeBack, insist } from './retry.ts';
import type { StoredMessage } from './stream.ts';

/** How long what the stream holds may take until it is heard. */
const hearWithinMs = 10_000;

/** Who follows a channel. */
export interface Follower {
  hears(news: LogNews): void;
  /** The log has ended: it was removed, or is in another epoch. */
  ended(): void;
}

/** What a relay has heard of a channel. */
export interface Hearing {
  readonly replica: Replica;
  /** What the channel is. */
  readonly current: ChannelHead;
  /** Whether anybody has asked for more than how it stands. */
  readonly isLoading: boolean;
  readonly isOver: boolean;
  /** How far it was read; undefined where it was not. */
  readonly mark: Mark | undefined;
  /** Reads the stream, and listens for what is added to it. Tried again by the next who asks, where it fails. */
  load(): Promise<void>;
  /** Listens, where the stream may not have been there before. */
  listen(): void;
  /** Takes the next message; `records` where they are known. Those that were taken already it passes over. */
  take(message: StoredMessage, records?: readonly LogRecord[]): void;
  /** Takes everything that any relay had been told was stored. */
  catchUp(): Promise<void>;
  /** How the channel stands, without reading it. */
  peek(): Promise<ChannelHead>;
  follow(follower: Follower): Stop;
  /** @throws Failure `Closed` where it is over */
  assertThere(): void;
  end(): void;
}

/** What it is made of. */
export interface HearingParts extends Omit<LossParts, 'isOver'> {
  /** How far this relay had read it before. */
  readonly mark?: Mark | undefined;
}

/** Begins to hear a channel. It asks for nothing before it is used. */
export function openHearing(parts: HearingParts): Hearing {
  const { name, stream, world, firstEpoch, isRegistered, report } = parts;
  const replica = createReplica();
  const followers = new Set<Follower>();
  const waiting = new Set<() => void>();
  const loss = { ...parts, isOver: () => isOver };
  let loading: Promise<void> | undefined;
  let stopFollowing: Stop | undefined;
  let [isOver, hasDiverged] = [false, false];
  /** How far it was read before: until that is looked at. */
  let known = parts.mark;
  /** What the stream is known by since the host has lost what was read. */
  let renewed: Mark | undefined;

  return {
    replica,
    get current() {
      return current();
    },
    get isLoading() {
      return loading !== undefined;
    },
    get isOver() {
      return isOver;
    },
    get mark() {
      return renewed ?? (replica.number === 0 ? known : mark());
    },
    load,
    listen,
    take,
    async catchUp() {
      assertThere();
      const had = mark();
      const newest = await stream.newest();
      const number = newest?.number ?? 0;
      if (isLost(newest, had)) {
        renewed = await renewIfLost(loss, had);
        if (renewed !== undefined) end();
      } else if (newest !== undefined && number > replica.number) {
        if (await isPurged(loss, newest)) await startAgain();
        else await taken(number);
      }
      assertThere();
    },
    async peek() {
      assertThere();
      const newest = await stream.newest();
      const isAsRead = known === undefined || !isLost(newest, known);
      if (newest === undefined && isAsRead) return blankHead(firstEpoch);
      const head = newest === undefined ? undefined : decodeHead(newest.head);
      if (head !== undefined && isAsRead) return head;
      await load();
      return current();
    },
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
    assertThere,
    end,
  };

  function current(): ChannelHead {
    return replica.head ?? blankHead(firstEpoch);
  }

  function mark(): Mark {
    return { number: replica.number, by: replica.head?.by, generation: current().generation };
  }

  async function load(): Promise<void> {
    assertThere();
    loading ??= read().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  }

  async function read(): Promise<void> {
    // What an earlier try has read counts, too.
    const had = replica.number > 0 ? mark() : known;
    if (had !== undefined && isLost(await stream.newest(), had)) await renewIfLost(loss, had);
    known = undefined;
    const newest = await stream.newest();
    if (newest === undefined) {
      // Another relay has said that there is one, and has yet to write to it.
      if (!isRegistered()) return;
      await stream.create(name);
    } else if (await isPurged(loss, newest)) await renew(loss, mark());
    for await (const { number, head } of stream.heads(replica.number + 1)) replica.read(number, decodeHead(head));
    listen();
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

  function take({ number, head: text, body }: StoredMessage, records?: readonly LogRecord[]): void {
    if (isOver || hasDiverged || number <= replica.number) return;
    const before = current().epoch;
    const head = decodeHead(text);
    const isNext = number === replica.number + 1;
    if (head !== undefined && isNext && head.behind !== (replica.head?.by ?? '')) return void diverged();
    replica.read(number, head);
    for (const wake of waiting) wake();
    if (current().epoch !== before) return end();
    if (head === undefined || head.hashes.length === 0 || followers.size === 0) return;
    const news = { records: records ?? decodeBody(body, head) };
    for (const follower of followers) follower.hears(news);
  }

  async function startAgain(): Promise<void> {
    renewed = await renew(loss, mark());
    end();
  }

  /** What comes follows on something else than what was read: that is lost. */
  async function diverged(): Promise<void> {
    hasDiverged = true;
    try {
      await insist(startAgain, loss);
    } catch (error) {
      report(asFailure(error));
      // Whoever opens it next is to look again.
      renewed = { ...mark(), number: Infinity };
      end();
    }
  }

  /** Resolves once the message of a number has been taken. */
  function taken(number: number): Promise<void> {
    listen();
    return new Promise((resolve, reject) => {
      const stop = world.after(hearWithinMs, () => {
        waiting.delete(look);
        reject(
          new Failure('StorageFailed', `"${name}" goes on elsewhere, but this relay does not hear of it`, comeBack),
        );
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

  function assertThere(): void {
    if (isOver) throw closed(name);
  }

  function end(): void {
    if (isOver) return;
    isOver = true;
    stopFollowing?.();
    for (const wake of waiting) wake();
    for (const follower of followers) follower.ended();
    followers.clear();
  }
}

/** Said to whoever uses a log that has ended. */
export function closed(name: string): Failure {
  return new Failure('Closed', `the log of "${name}" is closed: its channel was removed, or the relay has ended`);
}
