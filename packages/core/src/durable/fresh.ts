// The events of the log that a handler has not claimed yet: looked for as far as there is room, and made its tasks.
import { isFinal, toFailure, type Failure } from '../failure.ts';
import type { LogEntry, Position, World } from '../ports/index.ts';
import { createBackoff } from '../timing/backoff.ts';
import { pause } from '../timing/wait.ts';
import type { HandlerSpec, Task } from './task.ts';
import { createGaze, type EventEntry, type LogReader } from './wants.ts';
import type { Window } from './window.ts';

/** What a lease may take from the log. */
export interface Fresh {
  /** Whether the log may hold more. */
  readonly hasMore: boolean;
  grew(): void;
  /**
   * At most `limit` tasks, and up to where the log has been looked through for them. A log that cannot be read is reported, and
   * has nothing for a while.
   */
  take(limit: number): Promise<{ readonly tasks: readonly Task[]; readonly upTo: Position }>;
}

/** Makes what a lease takes from the log, behind what its window has claimed. */
export function createFresh(parts: {
  readonly spec: HandlerSpec;
  readonly term: number;
  readonly store: LogReader;
  readonly world: World;
  readonly window: Pick<Window, 'claimed' | 'has'>;
  readonly wants: (entry: LogEntry) => entry is EventEntry;
  readonly keys: (entries: readonly EventEntry[]) => Promise<readonly (string | null)[]>;
  readonly report: (failure: Failure) => void;
  /** There is something to take again. */
  readonly wake: () => void;
  readonly signal: AbortSignal;
}): Fresh {
  const { spec, term, world, window, signal } = parts;
  const gaze = createGaze(parts.store, parts.wants);
  const reading = createBackoff(world);
  let hasMore = true;

  return {
    get hasMore() {
      return hasMore;
    },
    grew() {
      hasMore = true;
    },
    async take(limit) {
      if (limit <= 0 || !hasMore) return { tasks: [], upTo: window.claimed };
      // Before the look, so that what comes meanwhile is not overlooked.
      hasMore = false;
      try {
        const found = await gaze.look(window.claimed, limit);
        const entries = found.entries.filter(({ position }) => !window.has(position));
        const keys = await parts.keys(entries);
        const tasks = entries.map((entry, index) => firstOf(entry, keys[index] ?? null));
        hasMore ||= !found.atHead;
        reading.reset();
        return { tasks, upTo: found.upTo };
      } catch (error) {
        if (isFinal(error) || signal.aborted) throw error;
        // What runs goes on, and what has ended is committed; only nothing new begins for a while.
        parts.report(toFailure(error));
        hasMore = false;
        void readLater();
        return { tasks: [], upTo: window.claimed };
      }
    },
  };

  function firstOf({ position, channel, event, offset }: EventEntry, key: string | null): Task {
    return { handler: spec.name, term, position, channel, event, offset, attempt: 1, key, again: false };
  }

  async function readLater(): Promise<void> {
    await pause(world, reading.next(), signal);
    hasMore = true;
    parts.wake();
  }
}
