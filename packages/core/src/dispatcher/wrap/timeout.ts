// Bounds the time of a handler, where that is not the business of who registers it.
import { Failure } from '../../failure.ts';
import type { World } from '../../ports/world.ts';
import { ambientAfter } from '../ambient.ts';
import type { HandlerCall } from '../call.ts';
import { need } from '../options.ts';
import { derive, type Wrappable, type Wrapped } from './handler.ts';

/**
 * Wraps a handler so that it rejects with `TimedOut` after `timeoutMs` milliseconds, and its signal aborts. What it still
 * does then is its own affair.
 */
export function withTimeout<Data, Call extends HandlerCall>(
  handler: Wrappable<Data, Call>,
  timeoutMs: number,
  { after = ambientAfter }: Partial<Pick<World, 'after'>> = {},
): Wrapped<Data, Call> {
  need(timeoutMs > 0, 'timeoutMs above 0', timeoutMs);
  return async function bounded(data, call) {
    const controller = new AbortController();
    let stop: (() => void) | undefined;
    const late = new Promise<never>((_, reject) => {
      stop = after(timeoutMs, () => {
        const failure = new Failure('TimedOut', `the handler had not ended after ${timeoutMs} ms`);
        controller.abort(failure);
        reject(failure);
      });
    });
    try {
      const signal = AbortSignal.any([call.signal, controller.signal]);
      await Promise.race([handler(data, derive(call, { signal })), late]);
    } finally {
      stop?.();
    }
  };
}
