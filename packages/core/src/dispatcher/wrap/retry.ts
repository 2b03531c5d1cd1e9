// Tries again what failed: exponentially, with jitter, hearing the signal, and without waiting after the last try.
import { Failure, toFailure } from '../../failure.ts';
import type { World } from '../../ports/world.ts';
import { createBackoff } from '../../timing/backoff.ts';
import { ambientRandom, ambientWorld } from '../ambient.ts';
import type { HandlerCall } from '../call.ts';
import { needCount } from '../options.ts';
import { derive, wrap, type Wrappable, type Wrapped } from './handler.ts';

/** How often, and how long in between. */
export interface RetryOptions {
  /** Tries in all; 5 by default. */
  readonly attempts?: number | undefined;
  /** The first wait's upper bound, in milliseconds; 100 by default. It doubles with each failure. */
  readonly baseMs?: number | undefined;
  /** No wait is longer than this, in milliseconds; 10,000 by default. */
  readonly capMs?: number | undefined;
  readonly world?: Pick<World, 'after' | 'random'> | undefined;
}

/**
 * Wraps a handler so that it is tried again when it fails. `call.attempt` counts the tries. When the last one has failed,
 * or the signal aborts, it rejects with `HandlerFailed`, whose cause is the last error.
 */
export function retry<Data, Call extends HandlerCall>(
  handler: Wrappable<Data, Call>,
  options?: RetryOptions,
): Wrapped<Data, Call> {
  const { attempts = 5, baseMs = 100, capMs = 10_000, world } = options ?? {};
  needCount(attempts, 1, 'attempts');
  needCount(baseMs, 0, 'baseMs');
  needCount(capMs, 0, 'capMs');
  const { after } = world ?? ambientWorld;
  const random = world?.random ?? ambientRandom;
  return wrap(handler, async (data: Data, call: Call): Promise<void> => {
    // Nothing, doubled as often as one likes, is a number no more.
    const backoff = createBackoff({ random }, { baseMs, capMs: baseMs && capMs });
    for (let attempt = 1; ; attempt += 1) {
      try {
        await handler(data, derive(call, 'attempt', attempt));
        return;
      } catch (cause) {
        const { signal } = call;
        if (attempt < attempts && !signal.aborted) await pause(after, backoff.next(), signal);
        if (attempt >= attempts || signal.aborted) {
          const why = signal.aborted ? 'it was told to stop' : 'that was the last';
          throw new Failure(
            'HandlerFailed',
            `attempt ${attempt} of ${attempts} failed, and ${why}: ${toFailure(cause).message}`,
            {
              cause,
              attempt,
            },
          );
        }
      }
    }
  });
}

function pause(after: World['after'], ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = after(ms, done);
    signal.addEventListener('abort', done);
  });
}
