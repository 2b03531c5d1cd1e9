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

test('what is added while it is flushed is handled too, by that flush', async () => {
  const handled: number[] = [];
  const queue = createHandQueue(async (n: number) => {
    handled.push(n);
    if (n === 1) queue.add(2);
  });
  queue.add(1);
  expect(await queue.flush()).toBe(2);
  expect(handled).toEqual([1, 2]);
});

test('whoever flushes it while it is flushed is told so, also its own handler, which would wait for itself', async () => {
  const told: unknown[] = [];
  const queue = createHandQueue(async (n: number) => {
    if (n === 1) await Promise.resolve();
    await queue.flush().catch((error: unknown) => told.push(error));
  });
  queue.add(1);
  queue.add(2);
  const flushing = queue.flush();
  await expect(queue.flush()).rejects.toMatchObject({ name: 'Misused' });
  expect(await flushing).toBe(2);
  expect(told).toMatchObject([{ name: 'Misused' }, { name: 'Misused' }]);
  expect(await queue.flush()).toBe(0);
});

test('what is cleared while it is flushed does not come back: neither what waits, nor what is handled and fails', async () => {
  const handled: number[] = [];
  let fail = (): void => {};
  const queue = createHandQueue((n: number) => {
    handled.push(n);
    return n === 1 ? new Promise((_, reject) => (fail = () => reject(new Error('rolled back')))) : undefined;
  });
  for (const n of [1, 2, 3]) queue.add(n);
  const flushing = queue.flush();
  expect(queue.size).toBe(3);
  expect(queue.clear()).toEqual([2, 3]);
  expect(queue.clear()).toEqual([]);
  queue.add(4);
  fail();
  await expect(flushing).rejects.toThrow('rolled back');
  expect([queue.size, handled]).toEqual([1, [1]]);
  expect(await queue.flush()).toBe(1);
  expect(handled).toEqual([1, 4]);
});

test('what is cleared while it is flushed does not end the flush: what is added behind it is handled', async () => {
  const handled: number[] = [];
  const queue = createHandQueue((n: number) => {
    handled.push(n);
    if (n === 1) {
      queue.clear();
      queue.add(3);
    }
  });
  queue.add(1);
  queue.add(2);
  expect(await queue.flush()).toBe(2);
  expect([queue.size, handled]).toEqual([0, [1, 3]]);
});

test('what is being handled counts towards the bound, for it may come back', async () => {
  let fail = (): void => {};
  const queue = createHandQueue(() => new Promise((_, reject) => (fail = () => reject(new Error('not yet')))), {
    capacity: 2,
  });
  queue.add(1);
  queue.add(2);
  const flushing = queue.flush();
  expect(() => queue.add(3)).toThrow(expect.objectContaining({ name: 'QueueFull' }));
  fail();
  await expect(flushing).rejects.toThrow('not yet');
  expect(queue.clear()).toEqual([1, 2]);
});

test('it is bounded, and clearing it hands back what waited', () => {
  const queue = createHandQueue(() => {}, { capacity: 2 });
  queue.add(1);
  queue.add(2);
  expect(() => queue.add(3)).toThrow(expect.objectContaining({ name: 'QueueFull' }));
  expect(queue.clear()).toEqual([1, 2]);
  expect(queue.size).toBe(0);
});
