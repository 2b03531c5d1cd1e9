// A dispatcher per event definition: the same instance wherever the definition is imported. The only module state here.
import type { EventDefinition } from '../event/define.ts';
import type { AwaitOptions, DispatchOptions } from './await.ts';
import { createDispatcher, type Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import type { HandlerOptions } from './options.ts';
import type { RegistryCounts } from './registry.ts';
import type { EventStream, StreamOptions } from './stream/stream.ts';
import type { Dispatched, TypedCall } from './types.ts';

/** The dispatcher of one event. */
export interface EventDispatcher<Name extends string, Input, Output, Context = unknown> {
  readonly definition: EventDefinition<Name, Input, Output>;
  /** As {@link Dispatcher.on}. */
  on(
    handler: (data: Output, call: TypedCall<{ readonly [Type in Name]: Input }, Name, Context>) => unknown,
    options?: HandlerOptions<Output>,
  ): () => boolean;
  /** As {@link Dispatcher.dispatch}. */
  dispatch(data: Input, options?: DispatchOptions<Context>): void;
  /** As {@link Dispatcher.dispatchAndWait}. */
  dispatchAndWait(data: Input, options?: AwaitOptions<Context>): Promise<void>;
  /** As {@link Dispatcher.events}. */
  events(options?: StreamOptions<Output>): EventStream<Dispatched<Name, Output>>;
  hasHandlers(): boolean;
  counts(): RegistryCounts;
  /** As {@link Dispatcher.close}; a global one can be used again afterwards, and has no handlers then. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/** Makes a dispatcher of one event that nobody else has. Closing it is final. */
export function createDispatcherFor<Name extends string, Input, Output, Context = unknown>(
  definition: EventDefinition<Name, Input, Output>,
  options: DispatcherOptions<Context> = {},
): EventDispatcher<Name, Input, Output, Context> {
  const dispatcher = dispatcherOf(definition, options);
  return facade(
    definition,
    () => dispatcher,
    (options) => dispatcher.close(options),
  );
}

// The mission asks for global dispatchers. Weak: a definition that nobody holds takes its dispatcher with it.
const globals = new WeakMap<object, unknown>();

/**
 * The global dispatcher of a definition: the same each time. Two definitions never share one, whatever their names.
 *
 * @example
 * ```ts
 * dispatcherFor(OrderPlaced).on((order) => console.log(order.total));
 * dispatcherFor(OrderPlaced).dispatch({ total: 12 });
 * ```
 */
export function dispatcherFor<Name extends string, Input, Output>(
  definition: EventDefinition<Name, Input, Output>,
): EventDispatcher<Name, Input, Output> {
  const known = globals.get(definition);
  if (known !== undefined) return known as EventDispatcher<Name, Input, Output>;
  let dispatcher: DispatcherOf<Name, Input, Output, unknown> | undefined;
  const made = facade(
    definition,
    () => (dispatcher ??= dispatcherOf(definition, {})),
    async (options) => {
      const closing = dispatcher;
      dispatcher = undefined;
      await closing?.close(options);
    },
  );
  globals.set(definition, made);
  return made;
}

/** Hears an event on its global dispatcher. @returns stop */
export function onEvent<Name extends string, Input, Output>(
  definition: EventDefinition<Name, Input, Output>,
  handler: Parameters<EventDispatcher<Name, Input, Output>['on']>[0],
  options?: HandlerOptions<Output>,
): () => boolean {
  return dispatcherFor(definition).on(handler, options);
}

/** Dispatches on the event's global dispatcher, without waiting. */
export function dispatchEvent<Name extends string, Input, Output>(
  definition: EventDefinition<Name, Input, Output>,
  data: NoInfer<Input>,
  options?: DispatchOptions,
): void {
  dispatcherFor(definition).dispatch(data, options);
}

/** Dispatches on the event's global dispatcher, and resolves when all handlers have ended. */
export function dispatchEventAndWait<Name extends string, Input, Output>(
  definition: EventDefinition<Name, Input, Output>,
  data: NoInfer<Input>,
  options?: AwaitOptions,
): Promise<void> {
  return dispatcherFor(definition).dispatchAndWait(data, options);
}

type DispatcherOf<Name extends string, Input, Output, Context> = Dispatcher<
  Readonly<Record<string, EventDefinition<Name, Input, Output>>>,
  Context
>;

function dispatcherOf<Name extends string, Input, Output, Context>(
  definition: EventDefinition<Name, Input, Output>,
  options: DispatcherOptions<Context>,
): DispatcherOf<Name, Input, Output, Context> {
  const events: Readonly<Record<string, EventDefinition<Name, Input, Output>>> = { [definition.name]: definition };
  return createDispatcher({ ...options, events });
}

function facade<Name extends string, Input, Output, Context>(
  definition: EventDefinition<Name, Input, Output>,
  dispatcher: () => DispatcherOf<Name, Input, Output, Context>,
  close: EventDispatcher<Name, Input, Output, Context>['close'],
): EventDispatcher<Name, Input, Output, Context> {
  const { name } = definition;
  return {
    definition,
    // There is one name here, which the types of a dispatcher of many cannot say.
    on: (handler, options) => dispatcher().on(name, handler as never, options as never),
    dispatch: (data, options) => dispatcher().dispatch(name, data as never, options),
    dispatchAndWait: (data, options) => dispatcher().dispatchAndWait(name, data as never, options),
    events: (options) => dispatcher().events(name, options as never) as EventStream<Dispatched<Name, Output>>,
    hasHandlers: () => dispatcher().hasHandlers(name),
    counts: () => dispatcher().counts(),
    close,
  };
}
