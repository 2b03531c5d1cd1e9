// The world, on Node: its clock, its chance, its timers.
import { createUuid7, type World } from '@godwit/core';

/** Makes the world of this process. */
export function createNodeWorld(): World {
  return {
    now: Date.now,
    random: Math.random,
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    id: createUuid7(Date.now, Math.random),
  } satisfies World;
}
