import { expect, test } from 'vitest';
import { createHandQueue } from './queue.ts';

test('what is added waits until it is flushed by hand, and is handled in order', async () => {
  const handled: number[] = [];
  const queue = createHandQueue(async (n: number) => handled.push(n));
  for (const n of [1, 2, 3]) queue.add(n);
  expect([queue.size, handled]).toEqual([3, []]);
  expect(await queue.flush()).toBe(3);
  expect(await queue.flush()).toBe(0);
  queue.add(4);
  expect(await queue.flush()).toBe(1);
  expect([queue.size, handled]).toEqual([0, [1, 2, 3, 4]]);
});

test('where one fails it stops; that one and those behind it stay, in order', async () => {
  const handled: number[] = [];
  let broken = true;
  const queue = createHandQueue((n: number) => {
    if (n === 2 && broken) throw new Error('not yet');
    handled.push(n);
  });
  for (const n of [1, 2, 3]) queue.add(n);
  await expect(queue.flush()).rejects.toThrow('not yet');
  expect([queue.size, handled]).toEqual([2, [1]]);
  broken = false;
  expect(await queue.flush()).toBe(2);
  expect(handled).toEqual([1, 2, 3]);
});

test('what is added while it is flushed is handled too, and two flushes are one', async () => {
  const handled: number[] = [];
  const queue = createHandQueue(async (n: number) => {
    handled.push(n);
    if (n === 1) queue.add(2);
  });
  queue.add(1);
  expect(await Promise.all([queue.flush(), queue.flush()])).toEqual([2, 2]);
  expect(handled).toEqual([1, 2]);
});

test('it is bounded, and clearing it hands back what waited', () => {
  const queue = createHandQueue(() => {}, { capacity: 2 });
  queue.add(1);
  queue.add(2);
  expect(() => queue.add(3)).toThrow(expect.objectContaining({ name: 'QueueFull' }));
  expect(queue.clear()).toEqual([1, 2]);
  expect(queue.size).toBe(0);
});
