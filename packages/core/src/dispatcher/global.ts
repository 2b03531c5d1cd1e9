// A dispatcher per event definition: the same instance wherever the definition is imported. The only module state here.
import type { EventDefinition } from '../event/define.ts';
import { type AwaitOptions, withWaiting } from './await.ts';
import { checkedBy } from './checked.ts';
import type { AnyDispatcher, Check, Dispatcher, DispatchOptions } from './contract.ts';
import { createDispatcher } from './dispatcher.ts';
import { closingMs, type HandlerOptions } from './options.ts';
import type { Handler } from './types.ts';

/** One event, as what a dispatcher dispatches. */
export type OneEvent<Name extends string, Input, Output> = {
  readonly [Type in Name]: EventDefinition<Name, Input, Output>;
};

// The mission asks for global dispatchers. Weak: a definition that nobody holds takes its dispatcher with it.
const globals = new WeakMap<object, unknown>();

/**
 * The global dispatcher of a definition: the same each time. Two definitions never share one, whatever their names. One
 * that was closed can be used again, and has no handlers then.
 *
 * @example
 * ```ts
 * onEvent(OrderPlaced, (order) => console.log(order.total));
 * dispatchEvent(OrderPlaced, { total: 12 });
 * await dispatcherFor(OrderPlaced).close();
 * ```
 */
export function dispatcherFor<Name extends string, Input, Output>(
  definition: EventDefinition<Name, Input, Output>,
): Dispatcher<OneEvent<Name, Input, Output>> {
  const dispatcher = globals.get(definition) ?? openGlobal(definition);
  globals.set(definition, dispatcher);
  return dispatcher as Dispatcher<OneEvent<Name, Input, Output>>;
}

/** Hears an event on its global dispatcher. @returns stop */
export function onEvent<Name extends string, Input, Output>(
  definition: EventDefinition<Name, Input, Output>,
  handler: (data: Output, call: Parameters<Handler<OneEvent<Name, Input, Output>, Name, unknown>>[1]) => unknown,
  options?: HandlerOptions<Output>,
): () => boolean {
  return anyDispatcherFor(definition).on(definition.name, handler as never, options as never);
}

/** Dispatches on the event's global dispatcher, without waiting. */
export function dispatchEvent<Name extends string, Input, Output>(
  definition: EventDefinition<Name, Input, Output>,
  data: NoInfer<Input>,
  options?: DispatchOptions,
): void {
  anyDispatcherFor(definition).dispatch(definition.name, data, options);
}

/** Dispatches on the event's global dispatcher, and resolves when all handlers have ended. */
export function dispatchEventAndWait<Name extends string, Input, Output>(
  definition: EventDefinition<Name, Input, Output>,
  data: NoInfer<Input>,
  options?: AwaitOptions,
): Promise<void> {
  return withWaiting(anyDispatcherFor(definition)).dispatchAndWait(definition.name, data, options);
}

function anyDispatcherFor(definition: EventDefinition<string, unknown, unknown>): AnyDispatcher {
  const dispatcher: unknown = dispatcherFor(definition);
  return dispatcher as AnyDispatcher;
}

/** A dispatcher that goes on with a new one when it is closed, so that those who hold it, or parts of it, hold the new one. */
function openGlobal(definition: EventDefinition<string, unknown, unknown>): AnyDispatcher {
  const check: Check<Record<string, unknown>> = checkedBy({ [definition.name]: definition });
  const open = (): AnyDispatcher => createDispatcher({ check });
  let inner = open();
  return {
    ...inner,
    on: (...all) => inner.on(...all),
    dispatch: (...all) => inner.dispatch(...all),
    hasHandlers: (...all) => inner.hasHandlers(...all),
    counts: () => inner.counts(),
    async close(options) {
      closingMs(options);
      const before = inner;
      inner = open();
      return before.close(options);
    },
  };
}
