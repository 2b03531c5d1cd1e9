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
  readonly cause?: CauseJson;
}

/** What a failure was caused by, as far as it can cross a thread. */
export interface CauseJson {
  readonly name: string;
  readonly message: string;
  /** As Node's errors and `DOMException` have it. */
  readonly code?: string | number;
  readonly cause?: CauseJson;
}

/** How deep a chain of causes is told: deeper, one reads a log. */
const causesMax = 4;
/** How much of a cause's message is told, in characters: enough to know it by. */
const causeLength = 1000;

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
    super(message, details);
    this.name = name;
    const { cause: _, ...rest } = details;
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
  return new Failure(name, textOf(error), { cause: error });
}

/** What was thrown, as text. Anything can be thrown: also what cannot be written as text, or throws when it is looked at. */
export function textOf(thrown: unknown): string {
  try {
    // oxlint-disable-next-line typescript/no-base-to-string -- some text is better than none
    return String((thrown as Error | undefined)?.message ?? thrown);
  } catch {
    return 'what cannot be shown';
  }
}

/** A failure as plain JSON, for a thread, with the stack and the causes; or for the wire and the disk, without them. */
export function failureToJson(error: unknown, { stack = true }: { readonly stack?: boolean } = {}): FailureJson {
  const failure = toFailure(error);
  const { name, message, details } = failure;
  const json: FailureJson = { name, message, ...details };
  if (!stack) return json;
  const cause = causeOf(failure, causesMax);
  return {
    ...json,
    ...(failure.stack === undefined ? {} : { stack: failure.stack }),
    ...(cause === undefined ? {} : { cause }),
  };
}

function causeOf({ cause }: Error, depth: number): CauseJson | undefined {
  if (cause === undefined || depth === 0) return undefined;
  if (!(cause instanceof Error)) return { name: typeof cause, message: textOf(cause).slice(0, causeLength) };
  const { name, message } = cause;
  const code: unknown = 'code' in cause ? cause.code : undefined;
  const deeper = causeOf(cause, depth - 1);
  return {
    name,
    message: message.slice(0, causeLength),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(deeper === undefined ? {} : { cause: deeper }),
  };
}

/** The failure that was turned into JSON elsewhere, with the stack of where it happened. Causes come back as errors of their names. */
export function failureFromJson({ name, message, stack, cause, ...details }: FailureJson): Failure {
  const failure = new Failure(name, message, cause === undefined ? details : { ...details, cause: errorOf(cause) });
  if (stack !== undefined) failure.stack = stack;
  return failure;
}

function errorOf({ message, cause, ...rest }: CauseJson): Error {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause: errorOf(cause) }), rest);
}

/** Tells whether the device's log is lost to this tab for good: closed, destroyed, or taken by a newer release. */
export function isFinal(error: unknown): boolean {
  return isFailure(error, 'Closed') || isFailure(error, 'Outdated');
}
