import { expect, test } from 'vitest';
import { mulberry32 } from '../testing/world.ts';
import { NonRetriableError, RetryAfterError } from './errors.ts';
import { afterFailure, defaultDelayMs } from './policy.ts';

const latest = { random: () => 0.999_999 };

test('the default backoff doubles its bound with each failure up to five minutes, and draws anything below it', () => {
  const bounds = Array.from({ length: 12 }, (_, index) => defaultDelayMs(latest, index + 1));
  expect(bounds).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000, 300_000]);
  const random = mulberry32(7);
  const drawn = Array.from({ length: 1000 }, () => defaultDelayMs({ random }, 3));
  expect(Math.min(...drawn)).toBeLessThan(100);
  expect(Math.max(...drawn)).toBeGreaterThan(3900);
  expect(drawn.every((ms) => ms >= 0 && ms <= 4000)).toBe(true);
});

test.each([
  ['the last attempt', new Error('busy'), 5, null],
  ['an error that is no use to retry', new NonRetriableError('stolen'), 1, null],
  ['an error that says when', new RetryAfterError('later', 1234), 1, 1234],
  ['an error that says when, behind the last attempt', new RetryAfterError('later', 1234), 5, null],
  [
    'an error of that name from another realm',
    Object.assign(new Error('stolen'), { name: 'NonRetriableError' }),
    1,
    null,
  ],
  ['a time that makes no sense', new RetryAfterError('later', Number.NaN), 1, 1000],
  ['a time before now', new RetryAfterError('later', -1), 1, 1000],
  ['a time behind all times', new RetryAfterError('later', Infinity), 1, 365 * 24 * 3_600_000],
  ['no error at all', 'busy', 1, 1000],
])('behind %s', (_, error, attempt, expected) => {
  const parts = { world: latest, handler: 'ship', maxErrors: 5, backoff: undefined, report: () => undefined };
  expect(afterFailure({ ...parts, error, attempt })).toBe(expected);
});

test('a handler has a backoff of its own: a rule that sees the attempt and the error, or other bounds', () => {
  const parts = { world: latest, handler: 'ship', maxErrors: 9, report: () => undefined };
  const error = new Error('busy');
  const rule = (attempt: number, why: unknown): number => (why === error ? attempt * 10 : 0);
  expect(afterFailure({ ...parts, error, attempt: 3, backoff: rule })).toBe(30);
  expect(afterFailure({ ...parts, error, attempt: 3, backoff: { baseMs: 10, capMs: 25 } })).toBe(25);
});
