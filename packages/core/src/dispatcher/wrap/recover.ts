// Keeps failures from going further: a handler that ends well whatever it throws, and a dispatch that never throws.
import { type Failure, toFailure } from '../../failure.ts';
import { ambientReport } from '../ambient.ts';
import type { HandlerCall } from '../call.ts';
import { quietly } from '../failures.ts';
import { needFunction } from '../options.ts';
import { wrap, type Wrappable, type Wrapped } from './handler.ts';

/** Wraps a handler so that `recover` gets what it throws, and the dispatch sees a success. What `recover` throws goes on. */
export function withRecovery<Data, Call extends HandlerCall>(
  handler: Wrappable<Data, Call>,
  recover: (error: unknown, data: Data, call: Call) => unknown,
): Wrapped<Data, Call> {
  needFunction(recover);
  return wrap(handler, async (data: Data, call: Call): Promise<void> => {
    try {
      await handler(data, call);
    } catch (error) {
      await recover(error, data, call);
    }
  });
}

/**
 * Does something, as a dispatch, and reports what it throws instead of throwing it.
 *
 * @returns whether it went well
 * @example
 * ```ts
 * safely(() => dispatcher.dispatch('audit.noted', note));
 * await safely(() => dispatcher.dispatchAndWait('audit.noted', note), logger.warn);
 * ```
 */
export function safely(work: () => PromiseLike<unknown>, report?: (failure: Failure) => unknown): Promise<boolean>;
export function safely(work: () => void, report?: (failure: Failure) => unknown): boolean;
export function safely(
  work: () => unknown,
  report: (failure: Failure) => unknown = ambientReport,
): boolean | Promise<boolean> {
  const failed = (error: unknown): boolean => {
    void quietly(report, toFailure(error));
    return false;
  };
  try {
    const result = work() as PromiseLike<unknown> | undefined;
    return result?.then ? Promise.resolve(result).then(() => true, failed) : true;
  } catch (error) {
    return failed(error);
  }
}
