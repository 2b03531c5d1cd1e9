// dispatch → handle, typed: what an application makes when it wants its events heard in the same thread.
import type { EventDefinition, EventDefinitions, EventName } from '../event/define.ts';
import { validate } from '../event/schema.ts';
import { Failure } from '../failure.ts';
import type { World } from '../ports/world.ts';
import { ambientAfter, ambientReport } from './ambient.ts';
import { type AwaitOptions, createAwait, type DispatchOptions } from './await.ts';
import { closeMs } from './limits.ts';
import type { HandlerOptions } from './options.ts';
import { createRegistry, nameOf, type RegistryCounts } from './registry.ts';
import { type EventStream, openStream, type StreamOptions } from './stream/stream.ts';
import type { DataOf, DispatchedBy, Handler, PatternOf, PayloadOf } from './types.ts';

/** What a dispatcher is made with; nothing has to be said. */
export interface DispatcherOptions<Context = unknown> {
  /** Time; by default the platform's. */
  readonly world?: Pick<World, 'after'> | undefined;
  /** Hears every failure that nobody awaits; by default `console.error`. */
  readonly report?: ((failure: Failure) => unknown) | undefined;
  /** What handlers get as `call.context` where a dispatch names none. */
  readonly context?: Context | undefined;
  /** True: events are held, up to `heldMax`, until `start`. */
  readonly held?: boolean | undefined;
  /** Hears of each type when it is first seen; see `adviseNames`. */
  readonly onFirstSight?: ((type: string) => void) | undefined;
}

/** An event, by its name or its definition. */
export type EventOf<Name extends string> = Name | EventDefinition<Name, unknown, unknown>;

/** Events to handlers, within one thread. */
export interface Dispatcher<Events, Context = unknown> {
  /**
   * Hears a type, or all types that a pattern matches, from now on. Each handler has a mailbox of its own: it gets its
   * events in the order in which they were dispatched, and its slowness or failure is its own.
   *
   * @returns stop; it answers true once
   * @throws Failure `InvalidPattern`, `InvalidOptions`, `Closed`
   */
  on<const Pattern extends PatternOf<Events>>(
    pattern: Pattern | EventDefinition<Pattern, unknown, unknown>,
    handler: Handler<Events, Pattern, Context>,
    options?: HandlerOptions<DataOf<Events, NoInfer<Pattern>>>,
  ): () => boolean;

  /** Stops the handler that was added first of those with this pattern and this function. False: there was none. */
  off<const Pattern extends PatternOf<Events>>(
    pattern: Pattern | EventDefinition<Pattern, unknown, unknown>,
    handler: Handler<Events, Pattern, Context>,
  ): boolean;

  /**
   * Dispatches without waiting. Handlers that wait for nothing have run when it returns, unless it is called inside a
   * handler: then they run once the event at hand has reached all its handlers. What they throw is reported.
   *
   * @throws Failure `InvalidPayload`, `UnknownEvent`, `Closed`, `TooDeep`, `QueueFull`; nobody has got the event then
   */
  dispatch<Name extends EventName<Events>>(
    event: EventOf<Name>,
    data: PayloadOf<Events, NoInfer<Name>>,
    options?: DispatchOptions<Context>,
  ): void;

  /**
   * Dispatches, and resolves when all handlers have ended. Without handlers it resolves at once.
   *
   * @throws Failure `DispatchFailed` with all failures of handlers; `TimedOut` and `Cancelled`, naming those that had
   * not ended; and what `dispatch` throws
   */
  dispatchAndWait<Name extends EventName<Events>>(
    event: EventOf<Name>,
    data: PayloadOf<Events, NoInfer<Name>>,
    options?: AwaitOptions<Context>,
  ): Promise<void>;

  /**
   * Reads events instead of being called: an async iterator of `{ type, data }`, which an awaited dispatch waits for.
   *
   * @throws Failure `InvalidPattern`, `InvalidOptions`, `Closed`
   */
  events<const Pattern extends PatternOf<Events>>(
    pattern: Pattern | EventDefinition<Pattern, unknown, unknown>,
    options?: StreamOptions<DataOf<Events, NoInfer<Pattern>>>,
  ): EventStream<DispatchedBy<Events, Pattern>>;

  /** Whether an event of this type would reach anyone, by its name or by a pattern. */
  hasHandlers(type: EventOf<EventName<Events>>): boolean;

  /** Hands out what was held, and everything after it at once. */
  start(): void;

  /** What has passed so far: in sum, and for each handler. */
  counts(): RegistryCounts;

  /**
   * Takes nothing more, waits for what is waiting and running, at most `timeoutMs` (5,000 by default; 0 cancels at
   * once), then drops the rest, counted as `closed`, and aborts its signals. Closing twice is closing once.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/**
 * Makes a dispatcher. With `events`, payloads are checked by their definitions, and handlers get what the validator made
 * of them; with a type only, they are believed.
 *
 * @example
 * ```ts
 * const dispatcher = createDispatcher<{ 'order.placed': { total: number } }>();
 * const stop = dispatcher.on('order.*', (order) => console.log(order.total));
 * dispatcher.dispatch('order.placed', { total: 12 });
 * await dispatcher.dispatchAndWait('order.placed', { total: 13 });
 * stop();
 * ```
 */
export function createDispatcher<const Events extends EventDefinitions, Context = unknown>(
  options: DispatcherOptions<Context> & { readonly events: Events },
): Dispatcher<Events, Context>;
export function createDispatcher<Events = Record<string, unknown>, Context = unknown>(
  options?: DispatcherOptions<Context>,
): Dispatcher<Events, Context>;
export function createDispatcher(
  options: DispatcherOptions & { readonly events?: EventDefinitions } = {},
): Dispatcher<Record<string, unknown>> {
  const { world, report = ambientReport, events, context, held, onFirstSight } = options;
  const after = world?.after ?? ambientAfter;
  const publish = (type: string, data: unknown, context: unknown): void => dispatch(type, data, { context });
  const registry = createRegistry({ after, report, context, held, onFirstSight, publish });
  const dispatchAndWait = createAwait(registry, after);
  // Without definitions to check by, an event goes straight on.
  const dispatch: Dispatcher<Record<string, unknown>>['dispatch'] =
    events === undefined
      ? registry.dispatch
      : (event, data, options) => registry.dispatch(event, check(events, nameOf(event), data), options);

  return {
    ...registry,
    on: (pattern, handler, options) => registry.on(nameOf(pattern), handler, options),
    off: (pattern, handler) => registry.off(nameOf(pattern), handler),
    dispatch,
    dispatchAndWait(event, data, options) {
      const type = nameOf(event);
      try {
        return dispatchAndWait(type, events === undefined ? data : check(events, type, data), options);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    // The types that a dispatcher of unknown events yields; the overloads above say more.
    events: (pattern, options) => openStream(registry.on, nameOf(pattern), options),
    hasHandlers: (type) => registry.hasHandlers(nameOf(type)),
    close: ({ timeoutMs = closeMs } = {}) => registry.close(timeoutMs),
  };
}

function check(events: EventDefinitions, type: string, data: unknown): unknown {
  const definition = Object.hasOwn(events, type) ? events[type] : undefined;
  if (definition === undefined) {
    throw new Failure('UnknownEvent', `"${type}" is not among the events that this dispatcher was made with`);
  }
  return validate(definition.schema, data, type);
}
