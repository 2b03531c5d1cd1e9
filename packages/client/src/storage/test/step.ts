// A handler's step, as tests take them.
import type { HandlerRecord, Step } from '@godwit/core';

/** One that changes nothing but what is said. */
export function step({ name: handler, term, cursor, claimed }: HandlerRecord, its: Partial<Step> = {}): Step {
  return {
    handler,
    term,
    at: 1000,
    cursor,
    claimed,
    ended: [],
    put: [],
    remove: [],
    unblock: [],
    queue: [],
    claim: 0,
    totals: { passed: 0, handled: 0, failed: 0, dropped: {} },
    release: false,
    ...its,
  };
}
