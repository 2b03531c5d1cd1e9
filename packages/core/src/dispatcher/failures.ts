// What the dispatcher says when something failed: the handler, the event, the attempt, and where it was thrown.
import { Failure, type FailureName, textOf } from '../failure.ts';
import type { Call, HandlerFailure } from './call.ts';

/** Says which handler failed on which event; `name` is kept for what the dispatcher itself found. */
export function handlerFailed(
  { box: { name: handler }, type, data }: Call,
  cause: unknown,
  name: FailureName = 'HandlerFailed',
): HandlerFailure {
  let stack = '';
  let attempt: number | undefined;
  try {
    const { stack: where = '', details } = cause as Pick<Failure, 'details'> & { readonly stack?: unknown };
    stack = String(where);
    ({ attempt } = details);
  } catch {
    // Anything can be thrown: also what has none of these, or throws when it is looked at.
  }
  const message = `the handler "${handler}" failed on "${type}": ${textOf(cause)}`;
  return Object.assign(new Failure(name, message, { cause }), {
    handler,
    event: { type, data },
    attempt: attempt ?? 1,
    stack: `${name}: ${message}\n${stack}`,
  });
}

/** Tells a reporter. One that throws, or rejects, harms nobody: there is nobody to tell. */
export async function quietly<Told extends Failure>(report: (failure: Told) => unknown, failure: Told): Promise<void> {
  try {
    await report(failure);
  } catch {}
}

/** Says that something was used after it was closed. */
export function closed(): Failure {
  return new Failure('Closed', 'it was closed; make another');
}

/** Says that a queue takes no more. */
export function queueFull(capacity: number): Failure {
  return new Failure('QueueFull', `event queue full: ${capacity} events wait`);
}
