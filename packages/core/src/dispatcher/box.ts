// What the dispatcher is made of inside: routes to handlers, and a handler with its mailbox.
import type { Call, HandlerCall, Receiver } from './call.ts';

/** The handlers of one type, in the order in which they came. Made anew when any of them comes or goes. */
export interface Route {
  readonly type: string;
  readonly boxes: readonly Box[];
  /** What a dispatch goes through. */
  readonly entries: Entry[];
  /** How many events were handed to them. Counting here once spares counting at every handler. */
  handed: number;
}

/** What is called with the payload of an event. It returns anything at all; what has a `then` is waited for. */
export type Entry = (data: unknown, call?: HandlerCall) => unknown;

/** One handler with its mailbox. */
export interface Box extends Receiver {
  readonly pattern: string;
  matches: (type: string) => boolean;
  readonly entry: (type: string) => Entry;
  /** Waits for what the handler has returned. */
  readonly follow: (result: PromiseLike<unknown>, call: Call) => void;
  readonly stop: () => boolean;
  /** Called when one has ended, of a handler that hears only one. */
  readonly onEnd: (() => unknown) | undefined;
}
