// How long to wait before the next try: exponential, capped, with full jitter, so that a thousand devices do not return at once.
import type { World } from '../ports/world.ts';

/** How a wait grows. */
export interface BackoffOptions {
  /** The first wait's upper bound, in milliseconds. */
  readonly baseMs: number;
  /** No upper bound is above this, in milliseconds. */
  readonly capMs: number;
}

/** Waits that grow with each failure, until `reset`. */
export interface Backoff {
  /** The next wait in milliseconds; never below `atLeastMs`, which is what the other side asked for. */
  next(atLeastMs?: number): number;
  reset(): void;
}

/** The relay's reconnect: soon for a blip, at most half a minute for an outage. */
export const reconnect: BackoffOptions = { baseMs: 500, capMs: 30_000 };

/**
 * Full jitter: a uniform draw from 0 to `min(capMs, baseMs × 2^failures)`.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function createBackoff(world: Pick<World, 'random'>, { baseMs, capMs }: BackoffOptions = reconnect): Backoff {
  let failures = 0;
  return {
    next(atLeastMs = 0) {
      const bound = Math.min(capMs, baseMs * 2 ** failures);
      // Beyond this the power only grows the number, not the wait.
      if (bound < capMs) failures += 1;
      return Math.ceil(atLeastMs + world.random() * bound);
    },
    reset() {
      failures = 0;
    },
  };
}
