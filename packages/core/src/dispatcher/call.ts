// One event on its way through one handler; what the handler gets beside the payload. Nothing of it is made before it is read.
import type { Failure } from '../failure.ts';
import type { HandlerCounts } from './counts.ts';

/** What a handler gets beside the payload. */
export interface HandlerCall<Context = unknown, Type extends string = string> {
  readonly type: Type;
  /** Aborts when the handler is stopped, its time is up, or who awaits the dispatch gives up. */
  readonly signal: AbortSignal;
  /** Which call of this handler for this event it is, from 1; the retry wrapper counts on. */
  readonly attempt: number;
  /** What the dispatch, else the dispatcher, was given as context. */
  readonly context: Context;
  /** Dispatches another event to the same dispatcher, with the same context, without awaiting it. */
  // A method, so that a typed call, which publishes only some events, is one of these.
  publish(type: string, data: unknown): void;
}

/** How an event ended at a handler. */
export type Outcome = Exclude<keyof HandlerCounts, 'passed' | 'pending'>;

/** One handler's failure. Its `cause` is what was thrown, and its stack goes on with the stack of that. */
export interface HandlerFailure extends Failure {
  readonly handler: string;
  readonly event: { readonly type: string; readonly data: unknown };
  /** Which call of this handler for this event it was, from 1. */
  readonly attempt: number;
}

/** One dispatch with a context of its own, or that somebody follows. */
export interface Run {
  readonly context?: unknown;
  /** Aborts when who follows it gives up. */
  readonly signal?: AbortSignal;
  /** Hands the event to its handlers, where that is not simply to all at once. */
  handOut?: ((calls: readonly Call[], hold: (work: () => void) => void) => void) | undefined;
  /** It was handed to all. */
  handed?(): void;
  /** It did not end at once at a handler. */
  begun?(call: Call): void;
  /** It has ended at a handler. */
  ended?(call: Call, outcome: Outcome): void;
  /** Takes a failure; where nobody does, it is reported. */
  failed?: ((failure: HandlerFailure) => void) | undefined;
  /** It never will be handed out: the dispatcher was closed before. */
  giveUp?(): void;
}

/** What waits for one handler. */
export interface Mailbox {
  /** In the order in which they came. */
  readonly waiting: Set<Call>;
  /** How many may. */
  readonly capacity: number;
  /** Takes the one that has waited longest. */
  take(): Call | undefined;
  /** Drops one as `overflow`, and tells `whom`, or else the reporter once per burst: again only after it has been empty. */
  refuse(call: Call, whom?: (failure: HandlerFailure) => unknown): void;
  /** Ends one. */
  drop(call: Call, outcome: Outcome): void;
}

/** What a call knows of its handler. */
export interface Receiver extends Mailbox {
  readonly name: string;
  readonly context: unknown;
  counts: HandlerCounts;
  /** Aborts when the handler has stopped. */
  readonly signal: AbortSignal;
  readonly publish: (type: string, data: unknown, run?: Run) => void;
}

/** One event at one handler; or, where nothing tells one from the other, all events of a type. A class: its getters cost nothing; declared fields are not written twice. */
export class Call implements HandlerCall {
  /** Not ended. */
  declare open: boolean;
  declare readonly box: Receiver;
  declare readonly type: string;
  declare readonly data: unknown;
  declare readonly run: Run | undefined;
  /** Who follows the dispatch chains its calls here. */
  declare earlier: Call | undefined;
  /** How many dispatches deep it was caused. */
  declare readonly depth: number;
  /** Its signal, once it was asked for: who stops listening finds the one that it listens to. */
  declare joined: AbortSignal | undefined;

  constructor(box: Receiver, type: string, data?: unknown, run?: Run, depth = 0) {
    this.open = true;
    this.box = box;
    this.type = type;
    this.data = data;
    this.run = run;
    this.depth = depth;
    this.earlier = undefined;
  }

  get attempt(): number {
    return 1;
  }

  get context(): unknown {
    const { context = this.box.context } = this.run ?? {};
    return context;
  }

  get signal(): AbortSignal {
    const { signal } = this.box;
    return this.run?.signal ? (this.joined ??= AbortSignal.any([signal, this.run.signal])) : signal;
  }

  get publish(): HandlerCall['publish'] {
    return (type, data) => this.box.publish(type, data, this.run && { context: this.context });
  }
}
