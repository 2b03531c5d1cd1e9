// What NATS answers in its own words, as failures that say what to do.
import { errors, type PermissionViolationError } from '@nats-io/transport-node';
import { JetStreamApiError } from '@nats-io/jetstream';
import { Failure, textOf } from '@godwit/core';

/** The numbers of JetStream's own that matter here: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
export const codes = {
  noMessage: 10037,
  streamExists: 10058,
  streamNotFound: 10059,
  wrongLast: 10071,
  wrongLastUnknown: 10164,
} as const;

/** JetStream as a whole does not answer now: the cluster looks for a leader, or has lost too many of its servers. */
const noLeader = new Set([10004, 10008, 10009]);
/** Nothing more is taken: the account's, the server's or the stream's bounds are reached, or the disk is full. */
const full = new Set([10002, 10023, 10028, 10047, 10077, 10122, 10167]);
const noPeers = 10005;
const streamsMax = 10027;
const consumersMax = 10026;
const notForAccount = 10039;
const notForServer = 10076;
const replicasNeedCluster = 10074;

/** What passes by itself is tried again soon; what somebody must mend, seldom. */
const [soonMs, seldomMs] = [1000, 15_000];

/** JetStream's own number for what went wrong; undefined where it was not JetStream that said so. */
export function codeOf(error: unknown): number | undefined {
  return within(error, JetStreamApiError)?.code;
}

/** What NATS does not let this user do, if it was that. */
export function violationOf(error: unknown): PermissionViolationError | undefined {
  return within(error, errors.PermissionViolationError);
}

/** Whether nobody answered: JetStream is off, or the stream that was meant is not there. */
export function isUnanswered(error: unknown): boolean {
  return within(error, errors.NoRespondersError) !== undefined;
}

/** Whether it is the host that is not well, rather than what was asked of it. */
export function isOfHost(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return noLeader.has(code) || code === notForServer;
  if (violationOf(error) !== undefined) return false;
  return within(error, errors.TimeoutError) !== undefined || within(error, errors.RequestError) !== undefined;
}

/** What was thrown by NATS's client, as the failure of a log. */
export function storageFailure(cause: unknown, server: string): Failure {
  if (cause instanceof Failure) return cause;
  const failed = (message: string, retryAfterMs: number): Failure =>
    new Failure('StorageFailed', message, { retryAfterMs, cause });
  const code = codeOf(cause);
  const said = textOf(cause);
  if (code !== undefined) {
    if (noLeader.has(code))
      return failed(`JetStream at ${server} has no leader now (${said}); are most of its servers up?`, soonMs);
    if (full.has(code))
      return failed(
        `JetStream at ${server} is full (${said}); give it room, or channels a shorter retention`,
        seldomMs,
      );
    if (code === notForServer || code === notForAccount) {
      return failed(
        `there is no JetStream at ${server} for this user (${said}); start nats-server with -js, and give the account JetStream`,
        seldomMs,
      );
    }
    if (code === noPeers || code === replicasNeedCluster) {
      return failed(
        `JetStream at ${server} has too few servers for so many replicas (${said}); say fewer, or start more`,
        seldomMs,
      );
    }
    if (code === streamsMax || code === consumersMax) {
      return failed(
        `JetStream at ${server} takes no more streams or consumers (${said}); raise the account’s bounds`,
        seldomMs,
      );
    }
    return failed(`JetStream at ${server} refused: ${said} (${code})`, soonMs);
  }
  const violation = violationOf(cause);
  if (violation !== undefined) {
    const verb = violation.operation === 'publish' ? 'publish to' : 'subscribe to';
    return failed(
      `NATS at ${server} does not let this user ${verb} ${violation.subject}; its permissions have to`,
      seldomMs,
    );
  }
  if (isUnanswered(cause)) {
    return failed(`nobody answers at ${server}: JetStream is off there or starts, or the stream is gone`, soonMs);
  }
  if (within(cause, errors.TimeoutError) !== undefined) {
    return failed(`NATS at ${server} did not answer in time; are most of JetStream’s servers up?`, soonMs);
  }
  return failed(`NATS at ${server} failed: ${said}`, soonMs);
}

/** The first of this kind among an error and what caused it: NATS's client wraps what it was told. */
function within<Kind extends Error>(error: unknown, kind: abstract new (...args: never) => Kind): Kind | undefined {
  if (error instanceof kind) return error;
  return error instanceof Error ? within(error.cause, kind) : undefined;
}
