// A wait behind a failure, which good news cut short: not to nothing, but to what the first failure would have cost.
import type { World } from '../ports/world.ts';
import { createBackoff, type BackoffOptions } from './backoff.ts';
import { pause } from './wait.ts';

/** Waits between tries. */
export interface Rest {
  /** Waits out what the other side asked for, whatever the news; then the backoff. Resolves at once when the signal aborts. */
  wait(signal: AbortSignal, atLeastMs?: number): Promise<void>;
  /** Waits so long, which news cut short too, and counts no failure. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /**
   * There may be a way again. Failures count from the first on, and who waits does so for a first backoff at most: with its
   * jitter, since a network that is back is back for many devices, and no sooner for being told again.
   */
  hurry(): void;
  /** There is a way: nobody waits any more, but for what the other side asked for. */
  end(): void;
  /** It went well: the next failure is the first. */
  reset(): void;
}

/** Makes what waits, one wait at a time. */
export function createRest(world: World, options?: BackoffOptions): Rest {
  const backoff = createBackoff(world, options);
  let waiting: AbortController | undefined;
  let isHurried = false;

  return {
    async wait(signal, atLeastMs = 0) {
      if (atLeastMs > 0) await pause(world, atLeastMs, signal);
      if (!signal.aborted) await cuttable(backoff.next(), signal);
    },
    pause: cuttable,
    hurry() {
      backoff.reset();
      if (waiting === undefined || isHurried) return;
      isHurried = true;
      const its = waiting;
      void pause(world, backoff.next(), its.signal).then(() => its.abort());
    },
    end() {
      backoff.reset();
      waiting?.abort();
    },
    reset: () => backoff.reset(),
  };

  async function cuttable(ms: number, signal: AbortSignal): Promise<void> {
    const its = new AbortController();
    waiting = its;
    isHurried = false;
    await pause(world, ms, AbortSignal.any([signal, its.signal]));
    waiting = undefined;
    // Whatever was to cut it short has nothing to cut any more.
    its.abort();
  }
}
