// A subscriber: a number, not a buffer. It is served from the ring or the log as its sink takes bytes.
import { Failure, toFailure } from '../failure.ts';
import type { LogPage } from '../ports/log.ts';
import type { Stop } from '../ports/world.ts';
import {
  encodeControlFrame,
  encodeEventFrame,
  encodeHeartbeat,
  type ControlFrame,
  type Gap,
} from '../protocol/frames.ts';
import { formatOffset } from '../protocol/offset.ts';
import { countDropped, type DropReason, type SubscriberCounts } from './counts.ts';
import type { EphemeralPolicy } from './query.ts';
import { readAttributes, type Wants } from './filter.ts';
import type { EphemeralFrame, FeedSide, Sink, Subscription, SubscriptionParts } from './subscriber.ts';

/** Ephemeral events are worth nothing late: what a reader cannot take within a few dozen of them it does not want. */
const ephemeralsMax = 64;
/** Those that wait go out in one piece of up to so many bytes, as the ring's blocks do. */
const joinedBytesMax = 64 * 1024;
/** Ticks of silence after which a heartbeat is sent; four to the interval keep it from ever being late. */
export const ticksPerHeartbeat = 4;
/** Pages of the log that one reader is served in a row before everybody else has a turn: about 2 MiB. */
const pagesPerTurn = 8;

const encoder = new TextEncoder();
/** Silence is the same for all who hear it. */
const silentHeartbeat = encoder.encode(encodeHeartbeat());

/** Opens a subscription behind `after`, and tells the reader at once where it stands. */
export function createSubscription(feed: FeedSide, parts: SubscriptionParts): Subscription {
  return new CursorSubscription(feed, parts);
}

/**
 * A class, not closures: there are ten thousand of them, and each is to cost a few numbers. What a live event touches of one stands
 * together, and first: with a thousand readers it is the memory that is waited for, and this takes a twentieth from a delivery.
 */
class CursorSubscription implements Subscription {
  readonly #feed: FeedSide;
  readonly #sink: Sink;
  readonly #wants: Wants | undefined;
  #cursor: number;
  /** The sequence that the reader would resume from. */
  #known: number;
  #gap: Gap | undefined;
  #delivered = 0;
  #filtered = 0;
  #ephemerals: EphemeralFrame[] | undefined;
  #isDropUntold = false;
  #isAccepting = true;
  #isLoading = false;
  #isEnded = false;
  #silentTicks = 0;
  // What it does not touch.
  readonly #policy: EphemeralPolicy;
  readonly #heartbeat: boolean;
  readonly #ended: (subscription: Subscription) => void;
  #dropped: Partial<Record<DropReason, number>> | undefined;
  /** Ticks since a filter passed something by that the reader has not been moved past. */
  #staleTicks = 0;
  #pagesInTurn = 0;
  #stopTurn: Stop | undefined;

  constructor(feed: FeedSide, { sink, after, gap, wants, ephemerals, heartbeat, ended }: SubscriptionParts) {
    this.#feed = feed;
    this.#sink = sink;
    this.#wants = wants;
    this.#policy = ephemerals;
    this.#heartbeat = heartbeat;
    this.#ended = ended;
    this.#cursor = after;
    this.#known = after;
    this.#gap = gap;
    const { channel, source } = feed;
    const { epoch, head } = source.place;
    const position = formatOffset(epoch, after);
    const connected = { kind: 'connected', channel, head: formatOffset(epoch, head), position } as const;
    // With a gap, only the gap's own frame moves the reader on: one cut off between the two is told again.
    this.#sendControl(connected, gap === undefined ? position : undefined);
    this.announce();
  }

  resume(): void {
    this.#isAccepting = true;
    this.announce();
  }

  announce(): void {
    while (this.#goesOn());
  }

  relay(frame: EphemeralFrame): void {
    if (this.#isEnded) return;
    const waiting = (this.#ephemerals ??= []);
    if (this.#wants !== undefined && !this.#wants(frame.type, () => frame.attributes)) return this.#count(0, 1);
    if (this.#policy === 'latest') this.#supersede(waiting, frame.key);
    // One whose turn has not come yet is not slow.
    while (waiting.length >= ephemeralsMax && this.#goesOn());
    if (waiting.length < ephemeralsMax) return void waiting.push(frame);
    this.#drop('overflow', 1);
    this.#isDropUntold = true;
    if (this.#policy !== 'disconnect') return;
    // It is told what it missed before it ends: whoever comes back knows why.
    this.#tellDropped();
    this.end();
  }

  restart(previousHead: number): void {
    this.#drop('epoch', Math.max(0, previousHead - this.#cursor));
    this.#cursor = 0;
    this.#known = 0;
    this.#gap = { missed: null, reason: 'epoch' };
    this.#ephemerals = this.#ephemerals?.map((frame) => ({ ...frame, after: 0 }));
    this.announce();
  }

  beat(): void {
    this.#silentTicks += 1;
    this.#staleTicks = this.#cursor > this.#known ? this.#staleTicks + 1 : 0;
    if (this.#isEnded || !this.#isAccepting) return;
    // Also where it is not silent: ephemeral events move nobody on.
    if (this.#staleTicks >= ticksPerHeartbeat) this.#tellPosition();
    else if (this.#heartbeat && this.#silentTicks >= ticksPerHeartbeat) this.#send(silentHeartbeat);
  }

  drain(retryAfterMs: number): void {
    if (this.#isEnded) return;
    this.#sendControl({ kind: 'drain', retryAfterMs });
    this.end();
  }

  end(): void {
    if (this.#isEnded) return;
    this.detach();
    this.#sink.close();
  }

  detach(): void {
    if (this.#isEnded) return;
    this.#drop('detached', this.pending);
    this.#isEnded = true;
    this.#stopTurn?.();
    this.#ephemerals = undefined;
    this.#ended(this);
  }

  get pending(): number {
    if (this.#isEnded) return 0;
    return Math.max(0, this.#feed.source.place.head - this.#cursor) + (this.#ephemerals?.length ?? 0);
  }

  get counts(): SubscriberCounts {
    return { delivered: this.#delivered, filtered: this.#filtered, dropped: { ...this.#dropped } };
  }

  /** Tells or hands over the next thing, or answers that there is none, or that the reader takes none now. */
  #goesOn(): boolean {
    if (!this.#isAccepting || this.#isLoading || this.#isEnded) return false;
    if (this.#gap !== undefined) this.#tellGap(this.#gap);
    else if (this.#isDropUntold) this.#tellDropped();
    else return this.#step();
    return true;
  }

  #step(): boolean {
    const { source } = this.#feed;
    let upTo = source.place.head;
    const waiting = this.#ephemerals;
    const ephemeral = waiting?.[0];
    if (waiting !== undefined && ephemeral !== undefined) {
      if (ephemeral.after <= this.#cursor) {
        const due = this.#dueOf(waiting);
        this.#count(due.length, 0);
        this.#send(this.#feed.joined(due));
        return true;
      }
      upTo = Math.min(upTo, ephemeral.after);
    }
    if (this.#cursor >= upTo) return false;
    const slice = source.ring.slice(this.#cursor, upTo, this.#wants);
    if (slice === undefined) {
      void this.#load(upTo);
      return false;
    }
    this.#take(slice.last, slice.delivered, slice.filtered, slice.bytes);
    return true;
  }

  /** Takes what comes next of those that wait. */
  #dueOf(waiting: EphemeralFrame[]): readonly EphemeralFrame[] {
    let sum = 0;
    const end = waiting.findIndex(({ after, bytes }, index) => {
      sum += bytes.length;
      return after > this.#cursor || (index > 0 && sum > joinedBytesMax);
    });
    return waiting.splice(0, end < 0 ? waiting.length : end);
  }

  async #load(upTo: number): Promise<void> {
    this.#isLoading = true;
    const { source, report, world } = this.#feed;
    const { epoch } = source.place;
    const before = this.#known;
    try {
      const page = await source.read(epoch, this.#cursor);
      // Removed or ended meanwhile: the page is of a log that is no more.
      if (!this.#isEnded && source.place.epoch === epoch) this.#takePage(page, upTo);
    } catch (error) {
      // A log that cannot be read is no gap: the reader comes back, and finds it whole or is told.
      if (!this.#isEnded && source.place.epoch === epoch) {
        report(toFailure(error));
        this.end();
      }
    }
    this.#pagesInTurn += 1;
    // A page that shows nothing does not wait for the sink: a rare type's reader would read a whole log in one turn.
    const isMute = this.#known === before && this.#gap === undefined;
    const isTurnOver = isMute || this.#pagesInTurn >= pagesPerTurn;
    if (this.#isEnded || this.#cursor >= source.place.head || !isTurnOver) this.#goOn();
    else this.#stopTurn = world.after(0, () => this.#goOn());
  }

  #goOn(): void {
    if (this.#stopTurn !== undefined) this.#pagesInTurn = 0;
    this.#stopTurn = undefined;
    this.#isLoading = false;
    this.announce();
  }

  #takePage({ after, gap, records }: LogPage, upTo: number): void {
    if (gap !== undefined) {
      this.#drop('retention', after - this.#cursor);
      this.#cursor = after;
      this.#gap = gap;
      return;
    }
    const { channel, source } = this.#feed;
    const wants = this.#wants;
    const due = records.filter(({ sequence }) => sequence <= upTo);
    const last = due.at(-1)?.sequence;
    if (last === undefined) {
      throw new Failure('Internal', `the log of "${channel}" has no record behind ${this.#cursor}`);
    }
    const wanted = wants === undefined ? due : due.filter(({ type, json }) => wants(type, () => readAttributes(json)));
    const { epoch } = source.place;
    const frames = wanted.map(({ json, sequence }) => encodeEventFrame(json, formatOffset(epoch, sequence)));
    const bytes = frames.length === 0 ? undefined : encoder.encode(frames.join(''));
    this.#take(last, wanted.length, due.length - wanted.length, bytes, wanted.at(-1)?.sequence);
  }

  #take(to: number, delivered: number, filtered: number, bytes?: Uint8Array, lastSent = to): void {
    this.#cursor = to;
    this.#count(delivered, filtered);
    if (bytes === undefined) return;
    this.#known = lastSent;
    this.#send(bytes);
  }

  #supersede(waiting: EphemeralFrame[], key: string): void {
    const at = waiting.findIndex((frame) => frame.key === key);
    if (at < 0) return;
    waiting.splice(at, 1);
    this.#drop('superseded', 1);
    this.#isDropUntold = true;
  }

  #tellGap({ missed, reason }: Gap): void {
    this.#gap = undefined;
    this.#known = this.#cursor;
    const { channel, source } = this.#feed;
    const position = formatOffset(source.place.epoch, this.#cursor);
    const next = formatOffset(source.place.epoch, this.#cursor + 1);
    this.#sendControl({ kind: 'gap', channel, missed, reason, next, position }, position);
  }

  #tellPosition(): void {
    this.#staleTicks = 0;
    this.#known = this.#cursor;
    const { channel, source } = this.#feed;
    const position = formatOffset(source.place.epoch, this.#cursor);
    if (this.#heartbeat) this.#send(encoder.encode(encodeHeartbeat(position)));
    else this.#sendControl({ kind: 'position', channel, position });
  }

  #tellDropped(): void {
    this.#isDropUntold = false;
    this.#sendControl({ kind: 'dropped', channel: this.#feed.channel, dropped: { ...this.#dropped } });
  }

  #count(delivered: number, filtered: number): void {
    this.#delivered += delivered;
    this.#filtered += filtered;
    this.#feed.counts.delivered += delivered;
    this.#feed.counts.filtered += filtered;
  }

  #drop(reason: DropReason, events: number): void {
    if (events === 0) return;
    this.#dropped ??= {};
    countDropped(this.#dropped, reason, events);
    countDropped(this.#feed.counts.dropped, reason, events);
  }

  #sendControl(frame: ControlFrame, id?: string): void {
    this.#send(encoder.encode(encodeControlFrame(frame, id)));
  }

  #send(bytes: Uint8Array): void {
    this.#silentTicks = 0;
    this.#isAccepting = this.#sink.send(bytes);
  }
}
