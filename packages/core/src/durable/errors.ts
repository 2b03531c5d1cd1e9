// What a handler throws to say more than "it failed". Told apart by name, as every failure; also by class, so that one may be extended and named.

/** Thrown by a durable handler: trying again is no use. The event is a dead letter at once. */
export class NonRetriableError extends Error {
  override readonly name = 'NonRetriableError';
}

/** Thrown by a durable handler: try again, but not before so many milliseconds have passed. */
export class RetryAfterError extends Error {
  override readonly name = 'RetryAfterError';
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** No wait is longer: a year, which no application means. */
export const longestMs: number = 365 * 24 * 3_600_000;

/** What was thrown says that trying again is no use. */
export function isNonRetriable(error: unknown): boolean {
  return error instanceof NonRetriableError || (error instanceof Error && error.name === 'NonRetriableError');
}

/** How long what was thrown asks to wait, in milliseconds; undefined where it says nothing that makes sense. */
export function retryAfterOf(error: unknown): number | undefined {
  const isOne = error instanceof RetryAfterError || (error instanceof Error && error.name === 'RetryAfterError');
  if (!isOne || !('retryAfterMs' in error)) return undefined;
  const { retryAfterMs } = error;
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? Math.min(retryAfterMs, longestMs) : undefined;
}
