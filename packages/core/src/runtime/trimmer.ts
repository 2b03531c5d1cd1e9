// trim: keeps the device's log within its bounds, step by step, as it grows. An idle device trims nothing, and no timer runs.
import { isFinal, toFailure, type Failure } from '../failure.ts';
import type { Retention, Store } from '../ports/store.ts';
import type { World } from '../ports/world.ts';

/**
 * How much of its log a device keeps, unless it is told otherwise: what a page may want to show again of the last week,
 * and no more than browsers grant without asking.
 */
export const defaultRetention: Retention = {
  ageMs: 7 * 24 * 3_600_000,
  eventsMax: 100_000,
  bytesMax: 64 * 1024 * 1024,
};

/** Of how many commits the log grows before it is looked at again: a look costs what some dozen commits cost. */
const commitsPerTrim = 256;
/** How many segments one step looks at: a few milliseconds, in which nobody else can write. */
const segmentsPerStep = 64;

/** Trims a log. */
export interface Trimmer {
  /** The log grew by a commit. */
  grew(): void;
  /** Events that left the log since this tab began. */
  readonly trimmed: number;
}

/** Makes a trimmer. It looks at the log first when that has grown. */
export function createTrimmer(parts: {
  readonly store: Pick<Store, 'trim'>;
  readonly world: Pick<World, 'now'>;
  readonly retention: Retention;
  /** Whether it is this tab's to trim. */
  readonly isMine: () => boolean;
  readonly trimmed: () => void;
  readonly report: (failure: Failure) => void;
  readonly signal: AbortSignal;
}): Trimmer {
  const { store, world, retention, isMine, report, signal } = parts;
  // The first commit of a tab's life is reason enough: what has aged since the last one may go.
  let commits = commitsPerTrim - 1;
  let isTrimming = false;
  let trimmed = 0;

  return {
    grew() {
      commits += 1;
      if (commits >= commitsPerTrim && !isTrimming && isMine()) void trim();
    },
    get trimmed() {
      return trimmed;
    },
  };

  async function trim(): Promise<void> {
    isTrimming = true;
    commits = 0;
    try {
      for (let more = true; more && !signal.aborted;) {
        const done = await store.trim({ ...retention, now: world.now(), segmentsMax: segmentsPerStep });
        ({ more } = done);
        if (done.events === 0) continue;
        trimmed += done.events;
        parts.trimmed();
      }
    } catch (error) {
      // A log that is too long is no loss; the next growth tries again.
      if (!signal.aborted && !isFinal(error)) report(toFailure(error));
    } finally {
      isTrimming = false;
    }
  }
}
