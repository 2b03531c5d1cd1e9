// What the dispatcher is made of inside: routes to handlers, and a handler with its mailbox.
import type { Call, HandlerCall, Outcome, Receiver } from './call.ts';

/** The handlers of one type, in the order in which they came. Made anew when any of them comes or goes. */
export interface Route {
  readonly type: string;
  readonly boxes: readonly Box[];
  /** What a dispatch goes through, one for each box; none where all boxes have to be asked first. */
  readonly entries: Entry[];
  /** How many events were handed to them. Counting here once spares counting at every handler. */
  handed: number;
}

/** What is called with the payload of an event. It returns anything at all; what has a `then` is waited for. */
export type Entry = (data: unknown, call?: HandlerCall) => unknown;

/** One handler with its mailbox. */
export interface Box extends Receiver {
  readonly handler: Entry;
  readonly takesCall: boolean;
  readonly filter: ((data: unknown, type: string) => boolean) | undefined;
  /** What becomes of what comes now. */
  stopped: Outcome | undefined;
  /** Another set whenever somebody has to wait where nobody did. */
  waiting: Set<Call>;
  /** How many calls may still begin. */
  free: number;
  drop(call: Call, outcome: Outcome, error?: unknown): void;
  /** Called when it makes somebody wait for the first time; until then it need not be asked before it is called. */
  onBusy: (() => void) | undefined;
  /** Lets it wait, or does what its policy says. */
  admit(call: Call): void;
  /** Takes up what waits. */
  readonly goOn: () => void;
  readonly pattern: string;
  matches: (type: string) => boolean;
  readonly entry: (type: string) => Entry;
  readonly stop: () => boolean;
  /** Called when one has ended, of a handler that hears only one. */
  readonly onEnd: (() => unknown) | undefined;
}
