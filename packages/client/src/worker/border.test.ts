import { Failure } from '@godwit/core';
import { expect, test } from 'vitest';
import { pack, unpack } from './border.ts';

test('a failure crosses with its name, message, details, nested failures and the stack of where it happened', async () => {
  const failure = new Failure('RateLimited', 'slower', {
    retryAfterMs: 500,
    failures: [{ name: 'TooLarge', message: 'one of them' }],
  });
  const outcome = await pack(() => {
    throw failure;
  });
  const crossed = structuredClone(outcome);
  expect(crossed).toEqual(outcome);
  expect(() => unpack(crossed)).toThrow(
    expect.objectContaining({
      name: 'RateLimited',
      message: 'slower',
      stack: failure.stack,
      details: { retryAfterMs: 500, failures: [{ name: 'TooLarge', message: 'one of them' }] },
    }),
  );
});

test('what caused it crosses too: names, messages and codes, as deep as anybody reads', async () => {
  const full = new DOMException('no room', 'QuotaExceededError');
  const outcome = await pack(() => {
    throw new Failure('StorageFailed', 'not stored', { cause: new Error('the commit failed', { cause: full }) });
  });
  expect(() => unpack(structuredClone(outcome))).toThrow(
    expect.objectContaining({
      name: 'StorageFailed',
      cause: expect.objectContaining({
        message: 'the commit failed',
        cause: expect.objectContaining({ name: 'QuotaExceededError', message: 'no room', code: full.code }),
      }),
    }),
  );
  const round = new Error('round');
  round.cause = round;
  expect(await pack(() => Promise.reject(round))).toMatchObject({ ok: false, failure: { message: 'round' } });
  const thrown = await pack(() => {
    throw new Failure('Internal', 'odd', { cause: 7 });
  });
  expect(thrown).toMatchObject({ failure: { cause: { name: 'number', message: '7' } } });
});

test('whatever else is thrown becomes a failure', async () => {
  const outcome = await pack(async () => Promise.reject(new TypeError('x is not a function')));
  expect(outcome).toMatchObject({ ok: false, failure: { name: 'Internal', message: 'x is not a function' } });
});

test('a value crosses as it is, also none', async () => {
  expect(unpack(await pack(() => [1, null]))).toEqual([1, null]);
  expect(unpack(await pack(() => undefined))).toBeUndefined();
});
