import { expect, test } from 'vitest';
import type { Failure } from '../../failure.ts';
import { createTestWorld } from '../../testing/world.ts';
import { awaitMs } from '../await.ts';
import { closeMs } from '../limits.ts';
import { createBatcher } from './batcher.ts';

test('a batch is flushed when it is full, or when its oldest item has waited long enough', async () => {
  const world = createTestWorld();
  const batches: (readonly number[])[] = [];
  const batcher = createBatcher<number>({
    world,
    sizeMax: 3,
    afterMs: 100,
    flush: (items) => void batches.push(items),
  });
  for (const n of [1, 2, 3, 4]) batcher.add(n);
  await world.settle();
  expect(batches).toEqual([[1, 2, 3], [4]]);
  batcher.add(5);
  await world.advance(99);
  expect(batches).toHaveLength(2);
  await world.advance(1);
  expect(batches).toEqual([[1, 2, 3], [4], [5]]);
  expect(world.timers).toBe(0);
});

test('one batch is taken at a time, in order, and closing flushes what is left', async () => {
  const world = createTestWorld();
  const log: string[] = [];
  const batcher = createBatcher<number>({
    world,
    sizeMax: 2,
    flush: async (items) => {
      log.push(`begin ${items.join()}`);
      await new Promise<void>((resolve) => world.after(10, resolve));
      log.push(`end ${items.join()}`);
    },
  });
  for (const n of [1, 2, 3, 4, 5]) batcher.add(n);
  expect(batcher.size).toBe(3);
  const closing = batcher.close();
  expect(() => batcher.add(6)).toThrow(expect.objectContaining({ name: 'Closed' }));
  await world.advance(30);
  await closing;
  expect(log).toEqual(['begin 1,2', 'end 1,2', 'begin 3,4', 'end 3,4', 'begin 5', 'end 5']);
  await batcher.close();
});

test('a flush that fails is reported, and the next batch is taken', async () => {
  const world = createTestWorld();
  const reported: Failure[] = [];
  const taken: number[] = [];
  const batcher = createBatcher<number>({
    world,
    sizeMax: 1,
    report: (failure) => reported.push(failure),
    flush: (items) => {
      if (items[0] === 1) throw new Error('disk full');
      taken.push(...items);
    },
  });
  batcher.add(1);
  batcher.add(2);
  await batcher.flush();
  expect(taken).toEqual([2]);
  expect(reported.map(({ message }) => message)).toEqual(['disk full']);
});

test('a reporter that throws harms nobody: the next batch is taken', async () => {
  const world = createTestWorld();
  const taken: number[] = [];
  const batcher = createBatcher<number>({
    world,
    sizeMax: 1,
    report: () => {
      throw new Error('the log is down');
    },
    flush: (items) => {
      if (items[0] === 1) throw new Error('disk full');
      taken.push(...items);
    },
  });
  batcher.add(1);
  await batcher.flush();
  batcher.add(2);
  await batcher.close();
  expect(taken).toEqual([2]);
});

test('what waits has a bound', () => {
  const batcher = createBatcher<number>({ sizeMax: 2, capacity: 2, flush: () => new Promise(() => {}) });
  for (const n of [1, 2, 3, 4]) batcher.add(n);
  expect(() => batcher.add(5)).toThrow(expect.objectContaining({ name: 'QueueFull' }));
});

test('waiting is bounded in time, also where a flush waits for itself, and nothing is lost by that', async () => {
  const world = createTestWorld();
  const taken: number[] = [];
  const told: string[] = [];
  const batcher = createBatcher<number>({
    world,
    sizeMax: 2,
    flush: async (items) => {
      taken.push(...items);
      const waits = items.includes(1) ? batcher.flush() : batcher.close();
      await waits.catch(({ name, message }: Failure) => told.push(`${name}: ${message}`));
    },
  });
  for (const n of [1, 2, 3]) batcher.add(n);
  const flushed = batcher.flush().catch(({ name }: Failure) => name);
  await world.advance(awaitMs);
  expect(await flushed).toBe('TimedOut');
  expect(told).toEqual([`TimedOut: it had not ended after ${awaitMs} ms`]);
  await world.advance(closeMs);
  expect(told.slice(1)).toEqual([`TimedOut: it had not ended after ${closeMs} ms`]);
  expect(taken).toEqual([1, 2, 3]);
  await batcher.close();
  expect(world.timers).toBe(0);
});

test('closing says so when its time is up, and what waits is taken all the same once the batch at hand is', async () => {
  const world = createTestWorld();
  const taken: number[] = [];
  let end = (): void => {};
  const batcher = createBatcher<number>({
    world,
    sizeMax: 1,
    flush: (items) => {
      taken.push(...items);
      return items[0] === 1 ? new Promise<void>((resolve) => (end = resolve)) : undefined;
    },
  });
  batcher.add(1);
  batcher.add(2);
  const closed = expect(batcher.close({ timeoutMs: 10 })).rejects.toMatchObject({ name: 'TimedOut' });
  await world.advance(10);
  await closed;
  end();
  await world.settle();
  expect([batcher.size, taken]).toEqual([0, [1, 2]]);
  await batcher.close();
});

test('a flush that is asked for within a flush, at once, is that flush', async () => {
  const log: string[] = [];
  const batcher = createBatcher<number>({
    sizeMax: 1,
    flush: async ([n]) => {
      if (n === 1) void batcher.flush().then(() => log.push('flushed'));
      await Promise.resolve();
      log.push(`taken ${n}`);
    },
  });
  batcher.add(1);
  batcher.add(2);
  await batcher.close();
  expect(log.slice(0, 2)).toEqual(['taken 1', 'taken 2']);
});
