// What a dispatcher is: the interface that the parts build on.
import type { EventDefinition, EventName } from '../event/define.ts';
import type { Failure } from '../failure.ts';
import type { World } from '../ports/world.ts';
import type { HandlerCounts } from './counts.ts';
import type { CloseOptions, HandlerOptions } from './options.ts';
import type { DataOf, Handler, PatternOf, PayloadOf } from './types.ts';

/** What a dispatcher is made with; nothing has to be said. */
export interface DispatcherOptions<Context = unknown, Events = unknown> {
  /** Time; by default the platform's. */
  readonly world?: Pick<World, 'after'> | undefined;
  /** Hears every failure that nobody awaits; by default `console.error`. What it dispatches may fail as well, and comes back to it. */
  readonly report?: ((failure: Failure) => unknown) | undefined;
  /** What handlers get as `call.context` where a dispatch names none. */
  readonly context?: Context | undefined;
  /** True: events are held, up to `heldMax`, until `start`. */
  readonly held?: boolean | undefined;
  /** Checks payloads, and makes what handlers get of them; see `checkedBy`. */
  readonly check?: Check<Events> | undefined;
}

/** Checks the payload of a type, and answers what handlers get. `Events` is for the compiler alone. */
export interface Check<Events> {
  (type: string, data: unknown): unknown;
  /** Throws for a name that nobody will ever dispatch, so that nobody listens for it. */
  readonly hears?: ((pattern: string) => void) | undefined;
  readonly events?: Events;
}

/** An event, by its name or its definition. */
export type EventOf<Name extends string> = Name | EventDefinition<Name, unknown, unknown>;

/** How one event is dispatched. */
export interface DispatchOptions<Context = unknown> {
  /** What handlers get as `call.context`; by default the dispatcher's. */
  readonly context?: Context | undefined;
}

/** What a dispatcher counts, per process. */
export interface DispatcherCounts {
  /** Events that were accepted. */
  readonly published: number;
  /** Of those, events that wait to be handed out, and events that never will be. */
  readonly held: number;
  readonly dropped: number;
  /** All handlers together, also those that have stopped. */
  readonly total: Readonly<HandlerCounts>;
  /** Those that hear now. */
  readonly handlers: readonly (Readonly<HandlerCounts> & { readonly name: string; readonly pattern: string })[];
}

/** Events to handlers, within one thread. */
export interface Dispatcher<Events, Context = unknown> {
  /** Its time and its reporter, for what is built on it. */
  readonly world: Pick<World, 'after'>;
  readonly report: (failure: Failure) => unknown;

  /**
   * Hears a type, or all types that a pattern matches, from now on. Each handler has a mailbox of its own: it gets its
   * events in the order in which they were dispatched, and its slowness or failure is its own.
   *
   * A function that declares exactly one parameter (its `length` is 1, so also `(data, ...rest)` and `(data, call = none)`)
   * is called with the payload alone, which is faster; every other is called with the payload and the call.
   *
   * @returns stop; it answers true once
   * @throws Failure `InvalidPattern`, `InvalidOptions`, `Closed`; `UnknownEvent` for a name that `check` does not know
   */
  on<const Pattern extends PatternOf<Events>>(
    pattern: Pattern | EventDefinition<Pattern, unknown, unknown>,
    handler: Handler<Events, Pattern, Context>,
    options?: HandlerOptions<DataOf<Events, NoInfer<Pattern>>>,
  ): () => boolean;

  /**
   * Dispatches without waiting. Handlers that wait for nothing have run when it returns, unless it is called inside a
   * handler: then they run once the event at hand has reached all its handlers. What they throw is reported.
   *
   * @throws Failure `InvalidPattern` (it is not a name), `InvalidPayload`, `UnknownEvent`, `Closed`, `TooDeep`,
   * `QueueFull` (too many are held); nobody has got the event then
   */
  dispatch<Name extends EventName<Events>>(
    event: EventOf<Name>,
    data: PayloadOf<Events, NoInfer<Name>>,
    options?: DispatchOptions<Context>,
  ): void;

  /** Whether an event of this type would reach anyone, by its name or by a pattern. */
  hasHandlers(type: EventOf<EventName<Events>>): boolean;

  /** Hands out what was held, and everything after it at once. Starting twice is starting once. */
  start(): void;

  /** What has passed so far: in sum, and for each handler. */
  counts(): DispatcherCounts;

  /**
   * Takes nothing more, waits for what is waiting and running, at most `timeoutMs` (5,000 by default; 0 cancels at
   * once), then drops the rest, counted as `closed`, and aborts its signals. Closing twice is closing once.
   *
   * @throws Failure `InvalidOptions`; it is not closed then
   */
  close(options?: CloseOptions): Promise<void>;
}

/** A dispatcher of whatever events: what the parts see of one. */
export type AnyDispatcher = Dispatcher<Record<string, unknown>>;

/** The name of a type, by what bears it. */
export function nameOf(event: string | { readonly name: string }): string {
  // A string has no name of its own.
  return (event as { readonly name?: string }).name ?? (event as string);
}
