// Handles what is the same once: for as long as its key is remembered, and only once it has gone well.
import type { World } from '../../ports/world.ts';
import { ambientWorld } from '../ambient.ts';
import type { HandlerCall } from '../call.ts';
import { needCount, needFunction } from '../options.ts';
import { wrap, type Wrappable, type Wrapped } from './handler.ts';

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
 * first and shares its outcome; one that failed is not remembered, so the next of its key is tried. A handler that awaits its own
 * key waits for itself: its awaited dispatch ends that with `TimedOut`, but nothing does where it calls itself.
 */
export function idempotent<Data, Call extends HandlerCall>(
  handler: Wrappable<Data, Call>,
  options: IdempotentOptions<Data, Call>,
): Wrapped<Data, Call> {
  const { key: keyOf, lifetimeMs = 3_600_000, capacity = 100_000, world = ambientWorld } = options;
  needFunction(keyOf);
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

  return wrap(handler, (data: Data, call: Call): Promise<void> => {
    const key = keyOf(data, call);
    const before = young.get(key) ?? old.get(key);
    if (before !== undefined) return before;
    // What it dispatches at once is taken up after this, so between looking and setting nobody can come.
    const outcome = (async () => void (await handler(data, call)))();
    young.set(key, outcome);
    // Only after that, since a handler may throw at once.
    outcome.catch(() => {
      // Where it took longer than its key was remembered, the next of its key stands there.
      for (const keys of [young, old]) if (keys.get(key) === outcome) keys.delete(key);
    });
    if (young.size + old.size > capacity) {
      const oldest = old.size > 0 ? old : young;
      oldest.delete(oldest.keys().next().value);
    }
    if (!ageing) world.after(lifetimeMs, age);
    ageing = true;
    return outcome;
  });
}
