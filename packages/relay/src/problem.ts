// Failures as answers: RFC 9457 problem details, with the headers that belong to each.
import { Failure, toFailure } from '@godwit/core';
import { headerNames, mediaTypes, problemOf, type Problem } from '@godwit/core/protocol';

/** What the client is told to wait where nothing better is known. */
const retryAfterMs = 1000;

/** A failure as an answer. */
export function problemResponse(
  error: unknown,
  more: Partial<Problem> = {},
  headers: Record<string, string> = {},
): Response {
  const failure = sayable(error);
  const problem = { ...problemOf(failure), ...more };
  const all = new Headers({ ...headers, 'content-type': mediaTypes.problem, 'cache-control': 'no-store' });
  if (problem.status === 401) all.set('www-authenticate', 'Bearer');
  // What is wrong may be the coding: RFC 9110, section 15.5.16.
  if (problem.status === 415) all.set('accept-encoding', 'identity');
  if (problem.status === 429 || problem.status === 503) {
    all.set(headerNames.retryAfter, String(Math.ceil((failure.details.retryAfterMs ?? retryAfterMs) / 1000)));
  }
  return new Response(JSON.stringify(problem), { status: problem.status, headers: all });
}

/** A message may quote what was sent, which may be as long as a request's headers: enough to know it by is sent back. */
const messageLengthMax = 1000;

/** What nobody planned for is told to the operator, by `report`; the client learns only that it happened. */
export function sayable(error: unknown): Failure {
  const failure = bounded(toFailure(error));
  // A relay that ends is one to come back to.
  if (failure.name === 'Closed') return new Failure('Draining', failure.message);
  if (failure.name === 'InvalidPattern') return new Failure('InvalidRequest', failure.message);
  if (failure.name !== 'Internal') return failure;
  return new Failure('Internal', 'the relay failed at this request; its log says why');
}

function bounded(failure: Failure): Failure {
  const { name, message, details } = failure;
  if (message.length <= messageLengthMax) return failure;
  return new Failure(name, `${message.slice(0, messageLengthMax - 1)}…`, details);
}

/** Whether the operator should hear of it: the relay's own fault, not the client's. */
export function isOurFault(failure: Failure): boolean {
  return (
    problemOf(failure).status >= 500 &&
    failure.name !== 'Draining' &&
    failure.name !== 'Closed' &&
    failure.name !== 'Unsupported' &&
    // Reported once each time that the keys are asked for, not with each request that waits for them.
    failure.name !== 'KeysUnavailable' &&
    failure.name !== 'InvalidPattern'
  );
}

/** The answer to a method that the path does not know. */
export function methodNotAllowed(method: string, path: string, allow: string): Response {
  const failure = new Failure('InvalidRequest', `${path} does not know ${method}; it knows ${allow}`);
  return problemResponse(failure, { status: 405, title: 'Method not allowed' }, { allow });
}
