// The world as a Worker finds it. Its types keep what a platform has apart from `globalThis`, so it is put together here.
import { worldOf, type World } from '@godwit/core';

/**
 * The world of Workers. Its clock stands still while code runs without waiting
 * (https://developers.cloudflare.com/workers/reference/security-model/), and nothing of it may be called outside a request.
 */
export function createWorkersWorld(): World {
  return worldOf({
    Date,
    crypto,
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer ?? null),
  });
}
