import { expect, test } from 'vitest';
import type { Failure } from '../../failure.ts';
import { createTestWorld } from '../../testing/world.ts';
import { createProcessor, processorCapacity } from './processor.ts';

test('as many tasks run at once as there are workers, and the rest wait in order', async () => {
  const world = createTestWorld();
  const begun: number[] = [];
  const processor = createProcessor(
    async (n: number) => {
      begun.push(n);
      await new Promise<void>((resolve) => world.after(10, resolve));
    },
    { world, workers: 2 },
  );
  for (const n of [1, 2, 3, 4, 5]) processor.submit(n);
  expect(begun).toEqual([1, 2]);
  await world.advance(10);
  expect(begun).toEqual([1, 2, 3, 4]);
  const closing = processor.close();
  await world.advance(20);
  await closing;
  expect(begun).toEqual([1, 2, 3, 4, 5]);
  expect(processor.counts()).toMatchObject({ passed: 5, delivered: 5, pending: 0 });
});

test('it takes a thousand tasks beyond those that run, and refuses one more', async () => {
  const reported: Failure[] = [];
  const processor = createProcessor(() => new Promise(() => {}), {
    workers: 1,
    report: (failure) => reported.push(failure),
  });
  for (let n = 0; n < 1 + processorCapacity; n += 1) processor.submit(n);
  expect(reported).toEqual([]);
  processor.submit(0);
  expect(reported.map(({ name }) => name)).toEqual(['QueueFull']);
  await expect(processor.process(0)).rejects.toMatchObject({ failures: [{ name: 'QueueFull' }] });
});

test('one task can be awaited, and its failure is its own', async () => {
  const processor = createProcessor(async (n: number) => {
    if (n === 1) throw new Error('bad input');
  });
  await expect(processor.process(1)).rejects.toMatchObject({
    failures: [{ message: expect.stringContaining('bad input') }],
  });
  await processor.process(2);
});

test('at shutdown what was taken is done, also what waits, and nothing more is taken', async () => {
  const world = createTestWorld();
  const done: number[] = [];
  const processor = createProcessor(
    async (n: number) => {
      await new Promise<void>((resolve) => world.after(10, resolve));
      done.push(n);
    },
    { world, workers: 2 },
  );
  for (const n of [1, 2, 3, 4, 5]) processor.submit(n);
  let closed = false;
  const closing = processor.close().then(() => (closed = true));
  expect(() => processor.submit(6)).toThrow(expect.objectContaining({ name: 'Closed' }));
  await world.advance(29);
  expect([closed, done]).toEqual([false, [1, 2, 3, 4]]);
  await world.advance(1);
  await closing;
  expect(done).toEqual([1, 2, 3, 4, 5]);
  expect(processor.counts()).toMatchObject({ passed: 5, delivered: 5, pending: 0 });
  expect(world.timers).toBe(0);
});

test('a shutdown is bounded in time: what was left is counted, and told to stop', async () => {
  const world = createTestWorld();
  const signals: AbortSignal[] = [];
  const processor = createProcessor(
    (_: number, { signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    },
    { world, workers: 2 },
  );
  for (const n of [1, 2, 3]) processor.submit(n);
  const closing = processor.close({ timeoutMs: 100 });
  await world.advance(100);
  await closing;
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(processor.counts()).toMatchObject({ passed: 3, pending: 2, closed: 1 });
});
