// Handles what is the same once: for as long as its key is remembered, and only once it has gone well.
import type { World } from '../../ports/world.ts';
import { ambientWorld } from '../ambient.ts';
import type { HandlerCall } from '../call.ts';
import { needCount } from '../options.ts';
import type { Wrappable, Wrapped } from './handler.ts';

/** What tells that two events are the same, and for how long. */
export interface IdempotentOptions<Data, Call> {
  /** Events of one key are the same. */
  readonly key: (data: Data, call: Call) => unknown;
  /** How many milliseconds a key is remembered at least, and at most twice that; an hour by default. */
  readonly lifetimeMs?: number | undefined;
  /** How many keys are remembered; beyond, the oldest is forgotten. 100,000 by default. */
  readonly capacity?: number | undefined;
  readonly world?: Pick<World, 'after'> | undefined;
}

/**
 * Wraps a handler so that it runs once per key. A second event of a key that is being handled right now waits for the
 * first and shares its outcome; one that failed is not remembered, so the next of its key is tried.
 */
export function idempotent<Data, Call extends HandlerCall>(
  handler: Wrappable<Data, Call>,
  options: IdempotentOptions<Data, Call>,
): Wrapped<Data, Call> {
  const { key: keyOf, lifetimeMs = 3_600_000, capacity = 100_000, world = ambientWorld } = options;
  needCount(lifetimeMs, 1, 'lifetimeMs');
  needCount(capacity, 1, 'capacity');
  // Two generations and one timer, instead of a timer for each key.
  let young = new Map<unknown, Promise<void>>();
  let old = new Map<unknown, Promise<void>>();
  let ageing = false;
  const age = (): void => {
    old = young;
    young = new Map();
    ageing = old.size > 0;
    if (ageing) world.after(lifetimeMs, age);
  };
  const forget = (key: unknown): void => {
    young.delete(key);
    old.delete(key);
  };

  return function once(data, call) {
    const key = keyOf(data, call);
    const before = young.get(key) ?? old.get(key);
    if (before !== undefined) return before;
    // Remembered before it runs: between looking and setting nobody can come.
    const outcome = (async () => {
      try {
        await handler(data, call);
      } catch (error) {
        forget(key);
        throw error;
      }
    })();
    young.set(key, outcome);
    if (young.size + old.size > capacity) forget((old.size > 0 ? old : young).keys().next().value);
    if (!ageing) world.after(lifetimeMs, age);
    ageing = true;
    return outcome;
  };
}
