// Handles what is the same once: for as long as its key is remembered, and only once it has gone well.
import { Failure } from '../../failure.ts';
import type { World } from '../../ports/world.ts';
import { ambientIdle } from '../ambient.ts';
import { bounded } from '../bounded.ts';
import type { HandlerCall } from '../call.ts';
import { need, needCount, needFunction } from '../options.ts';
import { wrap, type Wrappable, type Wrapped } from './handler.ts';

/** What tells that two events are the same, and for how long. */
export interface IdempotentOptions<Data, Call> {
  /** Events of one key are the same. One that has none, undefined, fails with `InvalidOptions`: it would be the same as all others. */
  readonly key: (data: Data, call: Call) => unknown;
  /** How many milliseconds a key is remembered at least, and at most twice that; an hour by default. */
  readonly lifetimeMs?: number | undefined;
  /** How many keys are remembered; beyond, the oldest is forgotten. 100,000 by default. */
  readonly capacity?: number | undefined;
  readonly world?: Pick<World, 'after'> | undefined;
}

/** A key's first event. */
interface First {
  /** What its handler was given, while it runs. */
  call: HandlerCall | undefined;
  readonly outcome: Promise<void>;
}

/**
 * Wraps a handler so that it runs once per key. A second event of a key that is being handled right now waits for the
 * first and shares its outcome; one that failed is not remembered, so the next of its key is tried. Nobody waits longer than
 * a key is remembered at least: then it fails with `TimedOut`. A handler that awaits its own key, with the call that it was
 * given, would wait for itself, and fails with `Misused`.
 */
export function idempotent<Data, Call extends HandlerCall>(
  handler: Wrappable<Data, Call>,
  options: IdempotentOptions<Data, Call>,
): Wrapped<Data, Call> {
  const { key: keyOf, lifetimeMs = 3_600_000, capacity = 100_000, world = ambientIdle } = options;
  needFunction(keyOf);
  needCount(lifetimeMs, 1, 'lifetimeMs');
  needCount(capacity, 1, 'capacity');
  // Two generations and one timer, instead of a timer for each key.
  let young = new Map<unknown, First>();
  let old = new Map<unknown, First>();
  let ageing = false;
  const age = (): void => {
    old = young;
    young = new Map();
    ageing = old.size > 0;
    if (ageing) world.after(lifetimeMs, age);
  };

  return wrap(handler, async (data: Data, call: Call): Promise<void> => {
    const key = keyOf(data, call);
    need(key !== undefined, 'a key', key);
    const before = young.get(key) ?? old.get(key);
    if (before) {
      if (before.call?.isPrototypeOf(call))
        throw new Failure('Misused', 'it awaits its own key, and would wait for itself');
      return bounded(world, lifetimeMs, () => before.outcome);
    }
    const own = Object.create(call) as Call;
    const { promise: outcome, resolve } = Promise.withResolvers<void>();
    const first: First = { call: own, outcome };
    young.set(key, first);
    // Only after that, since who comes with this key while it runs, or is dispatched to by it at once, shares its outcome.
    resolve((async () => void (await handler(data, own)))());
    if (young.size + old.size > capacity) {
      const oldest = old.size > 0 ? old : young;
      oldest.delete(oldest.keys().next().value);
    }
    if (!ageing) world.after(lifetimeMs, age);
    ageing = true;
    try {
      await outcome;
    } catch (error) {
      // Where it took longer than its key was remembered, the next of its key stands there.
      for (const keys of [young, old]) if (keys.get(key) === first) keys.delete(key);
      throw error;
    } finally {
      // A key is remembered for long, and its event need not be.
      first.call = undefined;
    }
  });
}
