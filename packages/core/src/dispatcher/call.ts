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
  readonly publish: (type: string, data: unknown) => void;
}

/** Where calls come from. */
export interface CallSource {
  /** The signal that aborts when the handler is stopped. */
  readonly stopSignal: () => AbortSignal;
  readonly context: unknown;
  readonly publish: (type: string, data: unknown, context: unknown) => void;
}

/** A call that can be told that nobody waits for its result any more. */
export interface AbortableCall extends HandlerCall {
  abort(reason: unknown): void;
}

/** Makes one call, or, where nothing tells one from the other, all calls of a handler for a type. */
export function createCall(source: CallSource, type: string, run?: Run): AbortableCall {
  let own: AbortController | undefined;
  let signal: AbortSignal | undefined;
  const context = run?.context ?? source.context;
  return {
    type,
    attempt: 1,
    context,
    get signal() {
      own ??= new AbortController();
      return (signal ??= AbortSignal.any([source.stopSignal(), own.signal]));
    },
    publish: (type, data) => source.publish(type, data, context),
    abort: (reason) => (own ??= new AbortController()).abort(reason),
  };
}
