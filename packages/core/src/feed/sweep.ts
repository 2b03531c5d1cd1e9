// What is too old goes also where nobody comes by: one pass over all channels now and then, one channel at a time.
import { isFailure, toFailure, type Failure } from '../failure.ts';
import type { Logs } from '../ports/log.ts';
import type { Stop, World } from '../ports/world.ts';
import { trimBoundsOf, type RetentionLimits } from '../protocol/retention.ts';

/** An event outlives its time by about this at most, on a channel that nobody uses. */
const sweepEveryMs = 60 * 60 * 1000;

/** Passes over all channels. */
export interface Sweep {
  /** A channel is used: there may be something to pass over again. */
  touch(): void;
  /** Ends the pass, and resolves when the channel at hand is let go. */
  stop(): Promise<void>;
}

/** Starts the first pass at once, as a relay may come back after long. It rests without a timer while there is no channel. */
export function startSweep(parts: {
  readonly logs: Pick<Logs, 'open' | 'channels'>;
  readonly world: World;
  readonly limitsOf: (channel: string) => RetentionLimits;
  readonly report: (failure: Failure) => void;
}): Sweep {
  const { logs, world, limitsOf, report } = parts;
  let stopTimer: Stop | undefined;
  let running: Promise<void> = Promise.resolve();
  let isStopped = false;
  let isResting = false;
  later(0, begin);

  return {
    touch() {
      if (!isResting) return;
      isResting = false;
      later(sweepEveryMs, begin);
    },
    async stop() {
      isStopped = true;
      stopTimer?.();
      await running;
    },
  };

  function later(ms: number, work: () => Promise<void>): void {
    if (isStopped) return;
    stopTimer = world.after(ms, () => {
      running = work();
    });
  }

  async function begin(): Promise<void> {
    try {
      const names = await logs.channels();
      isResting = names.length === 0;
      if (!isResting) next(names.values());
    } catch (error) {
      // The logs have ended, and nobody said so here: a timer would only keep the process.
      if (isFailure(error, 'Closed')) return;
      tell(error);
      later(sweepEveryMs, begin);
    }
  }

  /** A turn for each channel: those who are served meanwhile wait for one at most. */
  function next(names: Iterator<string, unknown>): void {
    const { done, value } = names.next();
    if (done === true) return later(sweepEveryMs, begin);
    later(0, async () => {
      await trim(value).catch(tell);
      next(names);
    });
  }

  /** By a log of its own, not by a feed: those are for the channels that are used. */
  async function trim(name: string): Promise<void> {
    const log = await logs.open(name);
    try {
      const { head, tail } = await log.stat();
      if (tail > head) return;
      await log.trim(trimBoundsOf(limitsOf(name), world.now()));
    } finally {
      await log.close();
    }
  }

  function tell(error: unknown): void {
    // Removed, or ended, under its hands: nothing is left to trim.
    if (!isStopped && !isFailure(error, 'Closed')) report(toFailure(error));
  }
}
