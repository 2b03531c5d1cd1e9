// Bounds the time of a handler.
import { Failure, toFailure } from '../../failure.ts';
import type { World } from '../../ports/world.ts';
import { ambientReport, ambientWorld } from '../ambient.ts';
import type { HandlerCall } from '../call.ts';
import type { AnyDispatcher, Dispatcher } from '../contract.ts';
import { quietly } from '../failures.ts';
import { type HandlerOptions, needCount } from '../options.ts';
import type { DataOf, Handler, PatternOf } from '../types.ts';
import { derive, wrap, type Wrappable, type Wrapped } from './handler.ts';

/** Where a time bound gets its time, and what becomes of what fails after it. */
export interface TimeoutOptions {
  readonly world?: Pick<World, 'after'> | undefined;
  /** Hears what the handler throws after its time; by default `console.error`. */
  readonly report?: ((failure: Failure) => unknown) | undefined;
}

/**
 * Wraps a handler so that it rejects with `TimedOut` after `timeoutMs` milliseconds, and its signal aborts; then the next
 * event is taken up, although the late one may still be running.
 */
export function withTimeout<Data, Call extends HandlerCall>(
  handler: Wrappable<Data, Call>,
  timeoutMs: number,
  { world = ambientWorld, report = ambientReport }: TimeoutOptions = {},
): Wrapped<Data, Call> {
  needCount(timeoutMs, 1, 'timeoutMs');
  return wrap(
    handler,
    (data: Data, call: Call) =>
      new Promise<void>((resolve, reject) => {
        const controller = new AbortController();
        const signal = AbortSignal.any([call.signal, controller.signal]);
        const stop = world.after(timeoutMs, () => {
          const failure = new Failure('TimedOut', `it had not ended after ${timeoutMs} ms`);
          controller.abort(failure);
          reject(failure);
        });
        const work = async (): Promise<void> => void (await handler(data, derive(call, 'signal', signal)));
        work()
          .then(resolve, (error: unknown) => {
            // What it was stopped with was told already.
            const { aborted, reason } = controller.signal;
            if (aborted && error !== reason) void quietly(report, toFailure(error, 'HandlerFailed'));
            reject(error);
          })
          .finally(stop);
      }),
  );
}

/** Takes `timeoutMs` with each handler. */
export interface Timeouts<Events, Context = unknown> {
  /** As {@link Dispatcher.on}; a call that takes longer than `timeoutMs` milliseconds fails, as `withTimeout` says. */
  on<const Pattern extends PatternOf<Events>>(
    pattern: Pattern,
    handler: Handler<Events, Pattern, Context>,
    options: HandlerOptions<DataOf<Events, NoInfer<Pattern>>> & { readonly timeoutMs?: number | undefined },
  ): () => boolean;
}

/** Lets the handlers of a dispatcher be bounded in time where they are added; it is the same one. */
export function withTimeouts<Events, Context, Its>(
  dispatcher: Dispatcher<Events, Context> & Its,
): Dispatcher<Events, Context> & Its & Timeouts<Events, Context>;
export function withTimeouts(dispatcher: AnyDispatcher): AnyDispatcher & Timeouts<Record<string, unknown>> {
  const { on } = dispatcher;
  return Object.assign(dispatcher, {
    on(
      pattern: string,
      handler: Wrappable<unknown>,
      { timeoutMs, ...options }: HandlerOptions<unknown> & { readonly timeoutMs?: number | undefined } = {},
    ) {
      return on(pattern, timeoutMs === undefined ? handler : withTimeout(handler, timeoutMs, dispatcher), options);
    },
  });
}
