import { Failure } from '@godwit/core';
import { createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { createCalls } from './calls.ts';

const never = (): Promise<never> => new Promise(() => undefined);

test('a call that is answered leaves no timer behind', async () => {
  const world = createTestWorld();
  expect(await createCalls(world).answer('add', 1000, async () => 3)).toBe(3);
  expect(world.timers).toBe(0);
});

test('a call that is not answered in time is given up, and says what was asked', async () => {
  const world = createTestWorld();
  const answer = createCalls(world).answer('record events', 30_000, never);
  const rejected = expect(answer).rejects.toMatchObject({
    name: 'TimedOut',
    message: expect.stringContaining('within 30 s when asked to record events'),
  });
  await world.advance(31_000);
  await rejected;
  expect(world.timers).toBe(0);
});

test('an answer that lay behind a busy page counts, though its time is up', async () => {
  const world = createTestWorld();
  const { promise, resolve } = Promise.withResolvers<string>();
  const answer = createCalls(world).answer('add', 1000, () => promise);
  await world.advance(1000);
  resolve('in the end');
  expect(await answer).toBe('in the end');
});

test('when the other side ends, every call that waits is rejected, and every later one', async () => {
  const world = createTestWorld();
  const calls = createCalls(world);
  const waiting = [calls.answer('a', 1000, never), calls.answer('b', 1000, never)];
  calls.fail(new Failure('WorkerFailed', 'it ended'));
  calls.fail(new Failure('Closed', 'a second reason changes nothing'));
  for (const answer of [...waiting, calls.answer('c', 1000, async () => 1)]) {
    await expect(answer).rejects.toMatchObject({ name: 'WorkerFailed', message: 'it ended' });
  }
  expect(world.timers).toBe(0);
});
