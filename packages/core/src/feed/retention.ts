// Trims a channel in the background while it is used: by age now and then, by size as soon as it has grown by a part of it.
// One that nobody uses is the sweep's, or its host's.
import { toFailure, type Failure } from '../failure.ts';
import type { TrimBounds } from '../ports/log.ts';
import type { Stop, World } from '../ports/world.ts';
import type { Limits } from '../protocol/limits.ts';

/** An event outlives its time by this at most, on a channel that is used. */
const trimEveryMs = 60_000;
/** A channel outgrows its size by this part at most. */
const overgrowth = 1 / 16;

/** Keeps a channel within its bounds. */
export interface Retention {
  /** The channel is used; it has grown by this many bytes. */
  touch(grownBytes: number): void;
  stop(): void;
}

/** Makes the keeper of one channel. It sets a timer only when touched. */
export function createRetention(parts: {
  readonly world: World;
  readonly limits: Pick<Limits, 'retentionMs' | 'retentionBytes'>;
  /** False: somebody else sees to what is too old, and no timer is set. */
  readonly byAge: boolean;
  readonly trim: (bounds: TrimBounds) => Promise<unknown>;
  readonly report: (failure: Failure) => void;
}): Retention {
  const { world, limits, byAge, trim, report } = parts;
  // The first use trims soon: a relay that comes back may hold what is long out of date.
  let grown = limits.retentionBytes;
  let stopTimer: Stop | undefined;
  let isTrimming = false;
  let isStopped = false;

  return {
    touch(grownBytes) {
      if (isStopped) return;
      grown += grownBytes;
      if (grown > limits.retentionBytes * overgrowth) void run();
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
    grown = 0;
    try {
      await trim({ before: world.now() - limits.retentionMs, bytesMax: limits.retentionBytes });
    } catch (error) {
      if (!isStopped) report(toFailure(error));
    }
    isTrimming = false;
  }
}
