// Bounds the time of a handler.
import type { EventDefinition } from '../../event/define.ts';
import { type Failure, toFailure } from '../../failure.ts';
import type { World } from '../../ports/world.ts';
import { ambientReport, ambientWorld } from '../ambient.ts';
import { bounded } from '../bounded.ts';
import type { HandlerCall } from '../call.ts';
import type { AnyDispatcher, Dispatcher } from '../contract.ts';
import { quietly } from '../failures.ts';
import { type HandlerOptions, needCount, needFunction } from '../options.ts';
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
  options?: TimeoutOptions,
): Wrapped<Data, Call> {
  const { world = ambientWorld, report = ambientReport } = options ?? {};
  needCount(timeoutMs, 1, 'timeoutMs');
  needFunction(report);
  return wrap(handler, (data: Data, call: Call) => {
    const controller = new AbortController();
    const signal = AbortSignal.any([call.signal, controller.signal]);
    const work = async (): Promise<void> => {
      try {
        await handler(data, derive(call, 'signal', signal));
      } catch (error) {
        // What it was stopped with was told already.
        const { aborted, reason } = controller.signal;
        if (aborted && error !== reason) void quietly(report, toFailure(error, 'HandlerFailed'));
        throw error;
      }
    };
    return bounded(world, timeoutMs, work, (failure) => controller.abort(failure));
  });
}

/** Takes `timeoutMs` with each handler. */
export interface Timeouts<Events, Context = unknown> {
  /** As {@link Dispatcher.on}; a call that takes longer than `timeoutMs` milliseconds fails, as `withTimeout` says. */
  on<const Pattern extends PatternOf<Events>>(
    pattern: Pattern | EventDefinition<Pattern, unknown, unknown>,
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
      pattern: string | EventDefinition,
      handler: Wrappable<unknown>,
      options?: HandlerOptions<unknown> & { readonly timeoutMs?: number | undefined },
    ) {
      const { timeoutMs, ...others } = options ?? {};
      return on(pattern, timeoutMs === undefined ? handler : withTimeout(handler, timeoutMs, dispatcher), others);
    },
  });
}
