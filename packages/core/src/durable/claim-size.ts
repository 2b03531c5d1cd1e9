// How many tasks to claim at once: few where they are slow, since a tab that dies leaves each to be run by itself; many where they are quick.
import type { World } from '../ports/world.ts';
import { quickMs, slowMs } from './limits.ts';
import type { HandlerSpec } from './task.ts';

/** A number that follows how quick the tasks are. */
export interface ClaimSize {
  /** How many more to claim while so many are in flight; `few`: no more than run at once, so that all have begun. */
  room(inFlight: number, few?: boolean): number;
  claimed(tasks: number): void;
  ended(tasks: number): void;
}

/**
 * How many are claimed at least, for each that can run: one more, so that an urgent handler's next task is there when a
 * worker becomes free; with keys some more, since of one key only one runs.
 */
const ahead = { plain: 2, keyed: 4 };
/** How many times as many a claim may have as the one before. */
const growthMax = 8;

/** So many as take about `quickMs` at this pace; not too many at once, since one quick claim may have been luck. */
function growth(tookMs: number): number {
  return Math.min(growthMax, Math.max(2, Math.floor(quickMs / tookMs)));
}

/** Begins with little more than what can run at once, and never goes below it. */
export function createClaimSize(
  { concurrency, keyed }: Pick<HandlerSpec, 'concurrency' | 'keyed'>,
  max: number,
  world: Pick<World, 'now'>,
): ClaimSize {
  const least = Math.min(concurrency * (keyed ? ahead.keyed : ahead.plain), max);
  let size = least;
  /** Of the claim that is being timed, how many have not ended. */
  let left = 0;
  let since = 0;

  return {
    room(inFlight, few) {
      const most = few ? Math.min(concurrency, max) : inFlight < least || inFlight * 2 <= size ? size : 0;
      return Math.max(0, most - inFlight);
    },
    claimed(tasks) {
      if (left > 0 || tasks === 0) return;
      left = tasks;
      since = world.now();
    },
    ended(tasks) {
      if (left === 0) return;
      left = Math.max(0, left - tasks);
      if (left > 0) return;
      const took = world.now() - since;
      if (took >= 0 && took <= quickMs) size = Math.min(max, size * growth(took));
      else if (took > slowMs) size = Math.max(least, Math.floor(size / 2));
    },
  };
}
