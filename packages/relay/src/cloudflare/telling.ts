// A channel tells the registry of itself: at its first use, and then now and then while it is used, since each time costs.
import type { Stop, World } from '@godwit/core';

/** How often at most. An object without anything to do stays in memory for longer than this by itself. */
const tellEveryMs = 30_000;

/** Tells now and then. */
export interface Telling {
  /** The channel was used: what is told of it is not true any more. */
  touch(): void;
  /** It was removed: what comes next is told at once. */
  reset(): void;
}

/** Makes it. `tell` never rejects. */
export function createTelling(world: Pick<World, 'after'>, tell: () => Promise<void>): Telling {
  let isResting = false;
  let isTouched = false;
  let stop: Stop | undefined;

  const go = (): void => {
    isTouched = false;
    isResting = true;
    void tell();
    stop = world.after(tellEveryMs, () => {
      isResting = false;
      if (isTouched) go();
    });
  };
  return {
    touch() {
      isTouched = true;
      if (!isResting) go();
    },
    reset() {
      stop?.();
      isResting = false;
      isTouched = false;
    },
  };
}
