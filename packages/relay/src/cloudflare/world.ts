// The world as a Worker finds it: its clock, its chance, its timers.
import { createUuid7, type World } from '@godwit/core';

/**
 * A `World` from the globals of Workers. Its clock stands still while code runs without waiting
 * (https://developers.cloudflare.com/workers/reference/security-model/), and nothing of it may be called outside a request.
 */
export function createWorkersWorld(): World {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    id: createUuid7(
      () => Date.now(),
      () => Math.random(),
    ),
  } satisfies World;
}
