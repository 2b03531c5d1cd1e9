// What wrappers wrap: a handler in, a handler out, so that they compose.
import type { HandlerCall } from '../call.ts';

/** A handler that a wrapper takes or gives. */
export type Wrapped<Data, Call extends HandlerCall = HandlerCall> = (data: Data, call: Call) => Promise<void>;

/** A handler to be wrapped. */
export type Wrappable<Data, Call extends HandlerCall = HandlerCall> = (data: Data, call: Call) => unknown;

/** The same call, but for what is said otherwise. Its getters stay getters, so nothing is made that is not read. */
export function derive<Call extends HandlerCall>(
  call: Call,
  other: Partial<Pick<HandlerCall, 'signal' | 'attempt'>>,
): Call {
  return Object.create(
    call,
    Object.fromEntries(Object.entries(other).map(([name, value]) => [name, { value, enumerable: true }])),
  ) as Call;
}
