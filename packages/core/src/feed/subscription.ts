// A subscriber: a number, not a buffer. It is served from the ring or the log as its sink takes bytes.
import { Failure, toFailure } from '../failure.ts';
import type { LogPage } from '../ports/log.ts';
import type { Stop, World } from '../ports/world.ts';
import {
  encodeControlFrame,
  encodeEventFrame,
  encodeHeartbeat,
  type ControlFrame,
  type Gap,
} from '../protocol/frames.ts';
import { formatOffset } from '../protocol/offset.ts';
import { countDropped, type DeliveryCounts, type DropReason } from './counts.ts';
import type { Ring } from './ring.ts';

/** Where a subscription's bytes go. */
export interface Sink {
  /** Hands bytes over. Answers whether more are welcome now; when not, `resume` tells that they are again. */
  send(bytes: Uint8Array): boolean;
  close(): void;
}

/** The feed as its subscriptions see it. */
export interface Source {
  readonly epoch: string;
  /** The newest sequence announced. */
  readonly head: number;
  readonly ring: Ring;
  /** Reads a page of the log, for whoever is behind the ring. */
  read(epoch: string, after: number): Promise<LogPage>;
}

/** An ephemeral event on its way, one frame shared by all. */
export interface EphemeralFrame {
  readonly bytes: Uint8Array;
  readonly type: string;
  /** The sequence behind which it comes. */
  readonly after: number;
}

/** One reader of a feed. */
export interface Subscription {
  /** The sink has room again. */
  resume(): void;
  /** The log has grown. */
  announce(): void;
  relay(frame: EphemeralFrame): void;
  /** The channel was removed while its head was `previousHead`; the source is in a new epoch. */
  restart(previousHead: number): void;
  /** A quarter of a heartbeat has passed. */
  beat(): void;
  /** Says that its reader is to come back, and ends. */
  drain(retryAfterMs: number): void;
  /** Ends, and closes the sink. */
  end(): void;
  /** The reader has gone: ends. */
  detach(): void;
  /** Events held for it that it has not had yet. */
  readonly pending: number;
}

/** Ephemeral events are worth nothing late: what a reader cannot take within a few dozen of them it does not want. */
const ephemeralsMax = 64;
/** Ticks of silence after which a heartbeat is sent; four to the interval keep it from ever being late. */
export const ticksPerHeartbeat = 4;
/** Pages of the log that one reader is served in a row before everybody else has a turn: about 2 MiB. */
const pagesPerTurn = 8;

const encoder = new TextEncoder();

/** Opens a subscription behind `after`, and tells the reader at once where it stands. */
export function createSubscription(parts: {
  readonly channel: string;
  readonly source: Source;
  readonly world: Pick<World, 'after'>;
  readonly sink: Sink;
  readonly after: number;
  readonly gap: Gap | undefined;
  /** Undefined wants every type. */
  readonly wants: ((type: string) => boolean) | undefined;
  /** False on one of several on a connection: where a filter passes events by, a frame of its own tells the position. */
  readonly heartbeat: boolean;
  readonly counts: DeliveryCounts;
  readonly report: (failure: Failure) => void;
  /** It has ended, for whatever reason. */
  readonly ended: () => void;
}): Subscription {
  const { channel, source, world, sink, wants, heartbeat, counts, report, ended } = parts;
  let cursor = parts.after;
  /** The sequence that the reader would resume from. */
  let known = cursor;
  let gap = parts.gap;
  const dropped: Partial<Record<DropReason, number>> = {};
  let isDropUntold = false;
  const ephemerals: EphemeralFrame[] = [];
  let isAccepting = true;
  let isLoading = false;
  let isEnded = false;
  let silentTicks = 0;
  /** Ticks since a filter passed something by that the reader has not been moved past. */
  let staleTicks = 0;
  let pagesInTurn = 0;
  let stopTurn: Stop | undefined;

  const position = formatOffset(source.epoch, cursor);
  const connected = { kind: 'connected', channel, head: formatOffset(source.epoch, source.head), position } as const;
  // With a gap, only the gap's own frame moves the reader on: one cut off between the two is told again.
  sendControl(connected, gap === undefined ? position : undefined);
  pump();

  return {
    resume() {
      isAccepting = true;
      pump();
    },
    announce: pump,
    relay(frame) {
      if (isEnded) return;
      if (wants !== undefined && !wants(frame.type)) counts.filtered += 1;
      else if (ephemerals.length < ephemeralsMax) ephemerals.push(frame);
      else {
        drop('overflow', 1);
        isDropUntold = true;
      }
    },
    restart(previousHead) {
      drop('epoch', Math.max(0, previousHead - cursor));
      cursor = 0;
      known = 0;
      gap = { missed: null, reason: 'epoch' };
      for (const [index, frame] of ephemerals.entries()) ephemerals[index] = { ...frame, after: 0 };
      pump();
    },
    beat() {
      silentTicks += 1;
      staleTicks = cursor > known ? staleTicks + 1 : 0;
      if (isEnded || !isAccepting) return;
      // Also where it is not silent: ephemeral events move nobody on.
      if (staleTicks >= ticksPerHeartbeat) tellPosition();
      else if (heartbeat && silentTicks >= ticksPerHeartbeat) send(encoder.encode(encodeHeartbeat()));
    },
    drain(retryAfterMs) {
      if (isEnded) return;
      sendControl({ kind: 'drain', retryAfterMs });
      end();
    },
    end,
    detach,
    get pending() {
      return pending();
    },
  };

  function pump(): void {
    while (isReady()) {
      if (gap !== undefined) tellGap(gap);
      else if (isDropUntold) tellDropped();
      else if (!step()) return;
    }
  }

  function isReady(): boolean {
    return isAccepting && !isLoading && !isEnded;
  }

  /** Hands over the next thing, or answers that there is none. */
  function step(): boolean {
    const ephemeral = ephemerals[0];
    if (ephemeral !== undefined && ephemeral.after <= cursor) {
      ephemerals.shift();
      counts.delivered += 1;
      send(ephemeral.bytes);
      return true;
    }
    const upTo = Math.min(source.head, ephemeral?.after ?? source.head);
    if (cursor >= upTo) return false;
    const slice = source.ring.slice(cursor, upTo, wants);
    if (slice === undefined) {
      void load(upTo);
      return false;
    }
    take(slice.last, slice.delivered, slice.filtered, slice.bytes);
    return true;
  }

  async function load(upTo: number): Promise<void> {
    isLoading = true;
    const { epoch } = source;
    const before = known;
    try {
      const page = await source.read(epoch, cursor);
      // Removed or ended meanwhile: the page is of a log that is no more.
      if (!isEnded && source.epoch === epoch) takePage(page, upTo);
    } catch (error) {
      // A log that cannot be read is no gap: the reader comes back, and finds it whole or is told.
      if (!isEnded && source.epoch === epoch) {
        report(toFailure(error));
        end();
      }
    }
    pagesInTurn += 1;
    // A page that shows nothing does not wait for the sink: a rare type's reader would read a whole log in one turn.
    const isMute = known === before && gap === undefined;
    if (isEnded || cursor >= source.head || (!isMute && pagesInTurn < pagesPerTurn)) goOn();
    else stopTurn = world.after(0, goOn);
  }

  function goOn(): void {
    if (stopTurn !== undefined) pagesInTurn = 0;
    stopTurn = undefined;
    isLoading = false;
    pump();
  }

  function takePage({ after, gap: missing, records }: LogPage, upTo: number): void {
    if (missing !== undefined) {
      drop('retention', after - cursor);
      cursor = after;
      gap = missing;
      return;
    }
    const due = records.filter(({ sequence }) => sequence <= upTo);
    const last = due.at(-1)?.sequence;
    if (last === undefined) throw new Failure('Internal', `the log of "${channel}" has no record behind ${cursor}`);
    const wanted = wants === undefined ? due : due.filter(({ type }) => wants(type));
    const frames = wanted.map(({ json, sequence }) => encodeEventFrame(json, formatOffset(source.epoch, sequence)));
    const bytes = frames.length === 0 ? undefined : encoder.encode(frames.join(''));
    take(last, wanted.length, due.length - wanted.length, bytes, wanted.at(-1)?.sequence);
  }

  function take(to: number, delivered: number, filtered: number, bytes?: Uint8Array, lastSent = to): void {
    cursor = to;
    counts.delivered += delivered;
    counts.filtered += filtered;
    if (bytes === undefined) return;
    known = lastSent;
    send(bytes);
  }

  function tellGap({ missed, reason }: Gap): void {
    gap = undefined;
    known = cursor;
    const position = formatOffset(source.epoch, cursor);
    const next = formatOffset(source.epoch, cursor + 1);
    sendControl({ kind: 'gap', channel, missed, reason, next, position }, position);
  }

  function tellPosition(): void {
    staleTicks = 0;
    known = cursor;
    const position = formatOffset(source.epoch, cursor);
    if (heartbeat) send(encoder.encode(encodeHeartbeat(position)));
    else sendControl({ kind: 'position', channel, position });
  }

  function tellDropped(): void {
    isDropUntold = false;
    sendControl({ kind: 'dropped', channel, dropped: { ...dropped } });
  }

  function drop(reason: DropReason, events: number): void {
    countDropped(dropped, reason, events);
    countDropped(counts.dropped, reason, events);
  }

  function sendControl(frame: ControlFrame, id?: string): void {
    send(encoder.encode(encodeControlFrame(frame, id)));
  }

  function send(bytes: Uint8Array): void {
    silentTicks = 0;
    isAccepting = sink.send(bytes);
  }

  function end(): void {
    if (isEnded) return;
    detach();
    sink.close();
  }

  function detach(): void {
    if (isEnded) return;
    drop('detached', pending());
    isEnded = true;
    stopTurn?.();
    ephemerals.length = 0;
    ended();
  }

  function pending(): number {
    return isEnded ? 0 : Math.max(0, source.head - cursor) + ephemerals.length;
  }
}
