// dispatch, first half: the tab's cursor in the device's log. It moves when the application's thread has taken a batch.
import { isFinal, toFailure, type Failure } from '../failure.ts';
import type { LogEntry, Position, Store } from '../ports/store.ts';
import type { World } from '../ports/world.ts';
import { createBackoff } from '../timing/backoff.ts';
import { createBell, orAborted, pause } from '../timing/wait.ts';

/** The most entries that travel to the application's thread at once. */
const batchMax = 512;

/** A tab's reading of the device's log. */
export interface Reader {
  /** Everything up to here has been handed over. */
  readonly cursor: Position;
  /** The log may have grown. */
  wake(): void;
  readonly ended: Promise<void>;
}

/** Reads the log behind `after`, batch after batch, until the signal aborts. Nothing is skipped, whatever fails. */
export function startReader(parts: {
  readonly store: Store;
  readonly world: World;
  readonly after: Position;
  /** Those that the tab reads. */
  readonly channels: readonly string[];
  readonly deliver: (batch: readonly LogEntry[]) => void | Promise<void>;
  readonly report: (failure: Failure) => void;
  /** The device's log is lost to this tab. */
  readonly lost: (failure: Failure) => void;
  readonly signal: AbortSignal;
}): Reader {
  const { store, world, channels, deliver, report, lost, signal } = parts;
  const backoff = createBackoff(world);
  const news = createBell();
  let cursor = parts.after;

  return {
    get cursor() {
      return cursor;
    },
    wake: () => news.ring(),
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
        const { entries: read, next, atHead, trimmed } = await store.read(cursor, batchMax);
        if (signal.aborted) return;
        const entries = trimmed === true ? [...gaps(), ...read] : read;
        // A thread that has gone never answers; it must not keep the tab from closing.
        if (entries.length > 0) await orAborted(deliver(entries), signal);
        if (signal.aborted) return;
        cursor = next;
        backoff.reset();
        if (atHead) await news.wait(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isFinal(error)) return lost(toFailure(error));
        report(toFailure(error));
        await pause(world, backoff.next(), signal);
      }
    }
  }
}
