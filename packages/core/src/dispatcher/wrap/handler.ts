// What wrappers wrap: a handler in, a handler out, so that they compose.
import type { HandlerCall } from '../call.ts';
import { needFunction } from '../options.ts';

/** A handler that a wrapper takes or gives. */
export type Wrapped<Data, Call extends HandlerCall = HandlerCall> = (data: Data, call: Call) => Promise<void>;

/** A handler to be wrapped. */
export type Wrappable<Data, Call extends HandlerCall = HandlerCall> = (data: Data, call: Call) => unknown;

/** Gives a wrapper the name of what it wraps, so that failures and counts tell which handler it was. @throws Failure `InvalidOptions` */
export function wrap<Wrapper>(handler: Wrappable<never, never>, wrapper: Wrapper): Wrapper {
  needFunction(handler);
  return Object.defineProperty(wrapper, 'name', { value: handler.name });
}

/** The same call, but for one thing that is said otherwise. Its getters stay getters, so nothing is made that is not read. */
export function derive<Call extends HandlerCall, Name extends 'signal' | 'attempt'>(
  call: Call,
  name: Name,
  value: HandlerCall[Name],
): Call {
  return Object.create(call, { [name]: { value, enumerable: true } }) as Call;
}
