// What a handler gets beside the payload. Nothing of it is made before it is read.
import type { Run } from './run.ts';

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

/** Where calls come from. */
export interface CallSource {
  /** The signal that aborts when the handler is stopped. */
  readonly stopSignal: () => AbortSignal;
  readonly context: unknown;
  readonly publish: (type: string, data: unknown, context: unknown) => void;
}

/** One call, or, where nothing tells one from the other, all calls of a handler for a type. A class: its getters cost nothing. */
export class Call implements HandlerCall {
  readonly type: string;
  readonly attempt: number = 1;
  private readonly source: CallSource;
  private readonly run: Run | undefined;
  private own: AbortController | undefined = undefined;

  constructor(source: CallSource, type: string, run?: Run) {
    this.type = type;
    this.source = source;
    this.run = run;
  }

  get context(): unknown {
    return this.run?.context ?? this.source.context;
  }

  get signal(): AbortSignal {
    // Where it is one of several calls, it may be told alone that nobody waits for it any more.
    return AbortSignal.any([this.source.stopSignal(), (this.own ??= new AbortController()).signal]);
  }

  get publish(): HandlerCall['publish'] {
    return (type, data) => this.source.publish(type, data, this.context);
  }

  abort(reason: unknown): void {
    (this.own ??= new AbortController()).abort(reason);
  }
}
