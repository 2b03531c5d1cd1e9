// When a failed attempt is tried again: a handler's own word, what it threw, or exponential backoff.
import { Failure } from '../failure.ts';
import type { World } from '../ports/world.ts';
import type { BackoffOptions } from '../timing/backoff.ts';
import { isNonRetriable, longestMs, retryAfterOf } from './errors.ts';

/** How long to wait behind attempt `attempt`, in milliseconds. */
export type BackoffRule = (attempt: number, error: unknown) => number;

/** Unless a handler says otherwise: a second at most behind the first failure, five minutes at most behind the ninth and later ones. */
export const defaultBackoff: BackoffOptions = { baseMs: 1000, capMs: 300_000 };

/**
 * Full jitter: a uniform draw from 0 to `min(capMs, baseMs × 2^(attempt - 1))`.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function defaultDelayMs(
  world: Pick<World, 'random'>,
  attempt: number,
  { baseMs, capMs }: BackoffOptions = defaultBackoff,
): number {
  return Math.ceil(world.random() * Math.min(longestMs, capMs, baseMs * 2 ** (attempt - 1)));
}

/**
 * When to try again; null: never. A backoff that throws, or answers no wait, is reported, and the default one serves.
 */
export function afterFailure(parts: {
  readonly world: Pick<World, 'random'>;
  readonly handler: string;
  readonly error: unknown;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly maxErrors: number;
  readonly backoff: BackoffRule | BackoffOptions | undefined;
  readonly report: (failure: Failure) => void;
}): number | null {
  const { world, handler, error, attempt, maxErrors, backoff = defaultBackoff, report } = parts;
  if (attempt >= maxErrors || isNonRetriable(error)) return null;
  const asked = retryAfterOf(error);
  if (asked !== undefined) return asked;
  if (typeof backoff !== 'function') return defaultDelayMs(world, attempt, backoff);
  let got: unknown;
  let cause: unknown;
  try {
    const delayMs = backoff(attempt, error);
    if (Number.isFinite(delayMs) && delayMs >= 0) return Math.min(delayMs, longestMs);
    got = delayMs;
  } catch (thrown) {
    cause = thrown;
    got = 'an error';
  }
  report(
    new Failure(
      'InvalidOptions',
      `the backoff of "${handler}" answered ${String(got)} behind attempt ${attempt}; expected milliseconds of at least 0, so the default one serves`,
      { cause },
    ),
  );
  return defaultDelayMs(world, attempt);
}
