// dispatch, first half: the tab's cursor in the device's log. It moves when the application's thread has taken a batch.
import { isFinal, toFailure, type Failure } from '../failure.ts';
import { positionsPerSegment, type LogEntry, type Position, type Store } from '../ports/store.ts';
import type { World } from '../ports/world.ts';
import { createBackoff } from '../timing/backoff.ts';
import { createBell, orAborted, pause } from '../timing/wait.ts';
import type { Delivery, EngineListener } from './engine.ts';

/** The most entries that travel to the application's thread at once. */
const batchMax = 512;

/** A tab's reading of the device's log. */
export interface Reader {
  /** Everything up to here has been handed over, or passed over while nobody listened. */
  readonly cursor: Position;
  /** The log may have grown, by whomever. */
  wake(): void;
  /** The log has grown by a segment of this tab's own, that begins at this position. */
  recorded(first: Position): void;
  readonly ended: Promise<void>;
}

/** Reads the log behind `after`, batch after batch, until the signal aborts. Nothing is skipped, whatever fails. */
export function startReader(parts: {
  readonly store: Store;
  readonly world: World;
  readonly after: Position;
  /** Those that the tab reads. */
  readonly channels: readonly string[];
  readonly deliver: EngineListener['deliver'];
  readonly report: (failure: Failure) => void;
  /** The device's log is lost to this tab. */
  readonly lost: (failure: Failure) => void;
  readonly signal: AbortSignal;
}): Reader {
  const { store, world, channels, report, lost, signal } = parts;
  const backoff = createBackoff(world);
  const news = createBell();
  let cursor = parts.after;
  /** What the other side said last: while nobody listens there, it is asked before events travel to it. */
  let isHeard = false;
  /** Whether the segment of the cursor was read to its end. */
  let isAtHead = false;
  /** Whether there may be something behind it of which nothing is known here; and whether there is something of our own. */
  let isStale = true;
  let isGrown = false;
  /** The newest own segments without another's between them, by their numbers. */
  let own = { first: 0, last: 0 };

  return {
    get cursor() {
      return cursor;
    },
    wake() {
      isStale = true;
      news.ring();
    },
    recorded(first) {
      const segment = segmentOf(first);
      own = { first: segment === own.last + 1 ? own.first : segment, last: segment };
      isGrown = true;
      news.ring();
    },
    ended: run(),
  };

  /** What was trimmed behind the cursor is gone for every channel, and nobody knows how much of it was new to this tab. */
  function gaps(): readonly LogEntry[] {
    return channels.map((channel) => ({
      kind: 'gap',
      position: cursor,
      channel,
      gap: { missed: null, reason: 'retention' },
    }));
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (isAtHead && !isStale && !isGrown) await news.wait(signal);
        else if (!(await passOwn())) await read();
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        isStale = true;
        if (isFinal(error)) return lost(toFailure(error));
        report(toFailure(error));
        await pause(world, backoff.next(), signal);
      }
    }
  }

  async function read(): Promise<void> {
    isStale = isGrown = false;
    const { entries: read, next, atHead, trimmed } = await store.read(cursor, batchMax);
    if (signal.aborted) return;
    const entries = trimmed === true ? [...gaps(), ...read] : read;
    // A gap is told to those who do not listen, too.
    const mayPass = !isHeard && entries.length > 0 && entries.every(({ kind }) => kind === 'event');
    if (mayPass) isHeard = await deliver([{ kind: 'passed', position: next }]);
    if (entries.length > 0 && (!mayPass || isHeard)) isHeard = await deliver(entries);
    if (signal.aborted) return;
    cursor = next;
    isAtHead = atHead;
  }

  /** Passes over own segments behind the cursor, unread, while nobody listens. */
  async function passOwn(): Promise<boolean> {
    if (isHeard || !isAtHead || !isGrown) return false;
    isGrown = false;
    const next = segmentOf(cursor) + 1;
    // Between two segments there is room for another tab's, or the relay's.
    if (own.last < next || own.first > next) return false;
    const position = (own.last + 1) * positionsPerSegment - 1;
    isHeard = await deliver([{ kind: 'passed', position }]);
    if (isHeard || signal.aborted) return false;
    cursor = position;
    return true;
  }

  /** A thread that has gone never answers; it must not keep the tab from closing. */
  async function deliver(batch: readonly Delivery[]): Promise<boolean> {
    return (await orAborted(parts.deliver(batch), signal)) === true;
  }
}

function segmentOf(position: Position): number {
  return Math.floor(position / positionsPerSegment);
}
