// Trims a channel in the background while it is used: by age now and then, by size and number as soon as it has grown by a part of it.
// One that nobody uses is the sweep's, or its host's.
import { toFailure, type Failure } from '../failure.ts';
import type { TrimBounds } from '../ports/log.ts';
import type { Stop, World } from '../ports/world.ts';
import { trimBoundsOf, type RetentionLimits } from '../protocol/retention.ts';

/** An event outlives its time by this at most, on a channel that is used. */
const trimEveryMs = 60_000;
/** A channel outgrows its size, and its number, by this part at most. */
const overgrowth = 1 / 16;

/** Keeps a channel within its bounds. */
export interface Retention {
  /** The channel is used; it has grown by so many bytes, in so many events. */
  touch(grownBytes: number, grownEvents: number): void;
  stop(): void;
}

/** Makes the keeper of one channel. It sets a timer only when touched. */
export function createRetention(parts: {
  readonly world: World;
  readonly limits: RetentionLimits;
  /** False: somebody else sees to what is too old, and no timer is set. */
  readonly byAge: boolean;
  readonly trim: (bounds: TrimBounds) => Promise<unknown>;
  readonly report: (failure: Failure) => void;
}): Retention {
  const { world, limits, byAge, trim, report } = parts;
  // The first use trims soon: a relay that comes back may hold what is long out of date.
  let [bytes, events] = [limits.retentionBytes, limits.retentionEvents];
  let stopTimer: Stop | undefined;
  let isTrimming = false;
  let isStopped = false;

  return {
    touch(grownBytes, grownEvents) {
      if (isStopped) return;
      bytes += grownBytes;
      events += grownEvents;
      if (bytes > limits.retentionBytes * overgrowth || events > limits.retentionEvents * overgrowth) void run();
      if (byAge)
        stopTimer ??= world.after(trimEveryMs, () => {
          stopTimer = undefined;
          void run();
        });
    },
    stop() {
      isStopped = true;
      stopTimer?.();
    },
  };

  async function run(): Promise<void> {
    if (isTrimming) return;
    isTrimming = true;
    [bytes, events] = [0, 0];
    try {
      await trim(trimBoundsOf(limits, world.now()));
    } catch (error) {
      if (!isStopped) report(toFailure(error));
    }
    isTrimming = false;
  }
}
