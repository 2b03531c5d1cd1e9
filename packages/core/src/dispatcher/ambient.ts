// The one place where the dispatcher meets its environment: timers, and where failures go, when nobody handed them in.
// oxlint-disable no-restricted-globals, no-restricted-properties -- `createDispatcher()` and the global dispatchers are made without a word about
// their environment, so somebody must know it. With `world` and `report` handed in, nothing of this is used.
import type { Failure } from '../failure.ts';

/** The longest that the platform's timers can wait: more wraps around, and fires at once. */
const timerMsMax = 2 ** 31 - 1;

/** The platform's timer, as `World.after` has it. */
export function ambientAfter(ms: number, callback: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (left: number): void => {
    timer = setTimeout(() => (left > timerMsMax ? wait(left - timerMsMax) : callback()), Math.min(left, timerMsMax));
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/** Where failures go that nobody awaits, when nobody said where: to the console, with their causes. */
export function ambientReport(failure: Failure): void {
  console.error(failure);
}

/** The platform's chance: for jitter, not for secrets. */
export function ambientRandom(): number {
  return Math.random();
}
