// What the dispatcher says when something failed: the handler, the event, the attempt, and where it was thrown.
import { Failure, type FailureName } from '../failure.ts';

/** One handler's failure. Its `cause` is what was thrown, and its stack goes on with the stack of that. */
export interface HandlerFailure extends Failure {
  readonly handler: string;
  readonly event: { readonly type: string; readonly data: unknown };
  /** Which call of this handler for this event it was, from 1. */
  readonly attempt: number;
}

/** What an awaited dispatch rejects with: every failure of its handlers, in the order in which they failed. */
export interface DispatchFailure extends Failure {
  readonly failures: readonly HandlerFailure[];
}

/** Says which handler failed on which event; `name` is kept for what the dispatcher itself found. */
export function handlerFailed(
  cause: unknown,
  handler: string,
  type: string,
  data: unknown,
  name: FailureName = 'HandlerFailed',
): HandlerFailure {
  let what = 'something that cannot be shown';
  let stack = '';
  try {
    what = describe(cause instanceof Error ? cause.message : cause);
    stack = cause instanceof Error ? `${cause.stack}` : '';
  } catch {
    // Anything can be thrown: also what throws when it is looked at.
  }
  const failure = new Failure(name, `the handler "${handler}" failed on "${type}": ${what}`, { cause });
  failure.stack = `${failure.name}: ${failure.message}\n${stack}`;
  const attempt = cause instanceof Failure ? (cause.details.attempt ?? 1) : 1;
  return Object.assign(failure, { handler, event: { type, data }, attempt });
}

/** All failures of one dispatch as one. */
export function dispatchFailed(type: string, failures: readonly HandlerFailure[]): DispatchFailure {
  const message = failures.map((each) => each.message).join('; ');
  return Object.assign(new Failure('DispatchFailed', `"${type}": ${message}`, { cause: failures[0] }), { failures });
}

/** Says that something was used after it was closed. */
export function closed(): Failure {
  return new Failure('Closed', 'it was closed, which is final; make another');
}

// `String` itself throws on an object without a prototype, and anything can be thrown.
function describe(cause: unknown): string {
  if (typeof cause === 'string' || typeof cause === 'symbol' || typeof cause === 'number') return cause.toString();
  return cause === undefined ? 'undefined' : Object.prototype.toString.call(cause);
}
