// A failure on the wire: RFC 9457 problem details, with our `name` beside the standard members.
import { Failure, type FailureName } from '../failure.ts';

const statuses: Partial<Record<FailureName, number>> = {
  InvalidEvent: 400,
  InvalidOffset: 400,
  InvalidChannel: 400,
  InvalidRequest: 400,
  Unauthenticated: 401,
  Forbidden: 403,
  NotFound: 404,
  NotAcceptable: 406,
  TooLarge: 413,
  UnsupportedMediaType: 415,
  RateLimited: 429,
  Internal: 500,
  Unsupported: 501,
  Draining: 503,
  StorageFailed: 503,
  KeysUnavailable: 503,
};

/** The HTTP status that a failure is answered with. */
export function statusOf(name: FailureName): number {
  return statuses[name] ?? 500;
}

/** The body of a refusal, as RFC 9457 has it. */
export interface Problem {
  /** `about:blank`: the status and `name` say it all. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly name: FailureName;
  /** Where in the request's body, for `InvalidEvent`. */
  readonly path?: string;
}

/** A failure as problem details. */
export function problemOf(failure: Failure): Problem {
  const { path } = failure.details;
  return {
    type: 'about:blank',
    title: failure.name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    status: statusOf(failure.name),
    detail: failure.message,
    name: failure.name,
    ...(path === undefined ? {} : { path }),
  };
}

/**
 * The failure that a refusal stands for. A body that is not a relay's is named by the status alone: a proxy may have answered.
 *
 * @param retryAfter the header Retry-After, in seconds
 */
export function failureOfAnswer(status: number, body: unknown, retryAfter: string | null): Failure {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  const details = Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {};
  const named: Partial<Record<string, unknown>> = typeof body === 'object' && body !== null ? { ...body } : {};
  const known = Object.entries(statuses).find(([name, itsStatus]) => itsStatus === status && name === named['name']);
  if (known !== undefined) {
    const detail = typeof named['detail'] === 'string' ? named['detail'] : `the relay answered ${status}`;
    return new Failure(known[0] as FailureName, detail, details);
  }
  const message = `${status} was answered, and not by a relay; is something between here and the relay?`;
  return new Failure(nameOfStatus(status), message, { ...details, foreign: true });
}

function nameOfStatus(status: number): FailureName {
  if (status === 401) return 'Unauthenticated';
  if (status === 403) return 'Forbidden';
  if (status === 413) return 'TooLarge';
  if (status === 429) return 'RateLimited';
  // A stranger's 400 judges nobody's events: only a relay's own refusal is final.
  return 'Unreachable';
}
