// The one place where the dispatcher meets its environment: timers, and where failures go, when nobody handed them in.
// oxlint-disable no-restricted-globals, no-restricted-properties -- `createDispatcher()` and the global dispatchers are made without a word about
// their environment, so somebody must know it. With `world` and `report` handed in, nothing of this is used.
import type { Failure } from '../failure.ts';
import type { World } from '../ports/world.ts';

/** 23 days: the platform's timers wrap around at 24.8, and fire at once. */
const timerMsMax = 2e9;

/** The platform's timer; what is longer than it can wait ends after 23 days. */
export const ambientWorld: Pick<World, 'after'> = {
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, timerMsMax));
    return () => clearTimeout(timer);
  },
};

/** The platform's timer for what nobody waits for: it keeps no process of Node's from ending. */
export const ambientIdle: Pick<World, 'after'> = {
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, timerMsMax));
    unref(timer);
    return () => clearTimeout(timer);
  },
};

/** A timer is a number, but in Node. */
function unref(timer: unknown): void {
  (timer as { readonly unref?: () => unknown }).unref?.();
}

/** Where failures go that nobody awaits, when nobody said where: to the console, with their causes. */
export function ambientReport(failure: Failure): void {
  console.error(failure);
}

/** The platform's chance: for jitter, not for secrets. */
export function ambientRandom(): number {
  return Math.random();
}
