// What went wrong, told apart by `name`: names survive threads, JSON and bundlers; classes do not.

/** Every failure that Godwit names. The first block also travels on the wire (RFC 9457, member `name`). */
export type FailureName =
  // said by a relay
  | 'InvalidEvent'
  | 'InvalidOffset'
  | 'InvalidChannel'
  | 'InvalidRequest'
  | 'Unauthenticated'
  | 'Forbidden'
  | 'NotFound'
  | 'NotAcceptable'
  | 'TooLarge'
  | 'UnsupportedMediaType'
  | 'RateLimited'
  | 'Draining'
  | 'StorageFailed'
  | 'KeysUnavailable'
  | 'Unsupported'
  | 'Internal'
  // said by a device
  | 'InvalidPayload'
  | 'InvalidDefinition'
  | 'InvalidPattern'
  | 'InvalidOptions'
  | 'UnknownEvent'
  | 'OutboxFull'
  | 'Outdated'
  | 'Fenced'
  | 'Closed'
  | 'WorkerFailed'
  | 'TimedOut'
  | 'Unreachable'
  | 'HandlerFailed'
  | 'Abandoned'
  // said by a dispatcher, a stream, a broker or a queue
  | 'DispatchFailed'
  | 'QueueFull'
  | 'TooDeep'
  | 'Cancelled'
  | 'Misused';

/** What a failure may say beside its message. */
export interface FailureDetails {
  /** Where in the payload, as `items[2].price`; empty for the payload itself. */
  readonly path?: string;
  /** True: it was not the relay that said so, but something between here and there. */
  readonly foreign?: boolean;
  /** How long to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Which try it was, from 1. */
  readonly attempt?: number;
  /** Nested failures, where several things failed together. */
  readonly failures?: readonly FailureJson[];
}

/** A failure as plain JSON: what crosses a thread or the wire. */
export interface FailureJson extends FailureDetails {
  readonly name: FailureName;
  readonly message: string;
  readonly stack?: string;
}

/**
 * An error with a stable `name`. The message says what was tried, what came back, and what to do.
 *
 * @example
 * ```ts
 * const failure = new Failure('OutboxFull', '100,000 events wait to be sent; is the relay reachable?');
 * failure.name; // 'OutboxFull'
 * ```
 */
export class Failure extends Error {
  override readonly name: FailureName;
  readonly details: FailureDetails;

  constructor(name: FailureName, message: string, details: FailureDetails & { readonly cause?: unknown } = {}) {
    const { cause, ...rest } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = name;
    this.details = rest;
  }
}

/** Tells whether `error` is a failure of this name, also after it has crossed a thread. */
export function isFailure(error: unknown, name?: FailureName): error is Failure {
  return error instanceof Failure && (name === undefined || error.name === name);
}

/** Turns anything thrown into a failure; one that is already a failure is passed on as it is. */
export function toFailure(error: unknown, name: FailureName = 'Internal'): Failure {
  if (error instanceof Failure) return error;
  return new Failure(name, error instanceof Error ? error.message : textOf(error), { cause: error });
}

/** Not everything that can be thrown can be written as text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `an ${typeof thrown} was thrown`;
  }
}

/** A failure as plain JSON, for a thread or the wire. */
export function failureToJson(error: unknown, { stack = true }: { readonly stack?: boolean } = {}): FailureJson {
  const failure = toFailure(error);
  return {
    name: failure.name,
    message: failure.message,
    ...failure.details,
    ...(stack && failure.stack !== undefined ? { stack: failure.stack } : {}),
  };
}

/** The failure that was turned into JSON elsewhere, with the stack of where it happened. */
export function failureFromJson({ name, message, stack, ...details }: FailureJson): Failure {
  const failure = new Failure(name, message, details);
  if (stack !== undefined) failure.stack = stack;
  return failure;
}

/** Tells whether the device's log is lost to this tab for good: closed, destroyed, or taken by a newer release. */
export function isFinal(error: unknown): boolean {
  return isFailure(error, 'Closed') || isFailure(error, 'Outdated');
}
