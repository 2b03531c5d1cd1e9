import { expect, test } from 'vitest';
import { createUuid7 } from '../event/id.ts';
import { worldContract } from './world-contract.ts';
import { createTestWorld } from './world.ts';

worldContract('of tests', () => {
  const world = createTestWorld();
  return { world, pass: (ms) => world.advance(ms) };
});

test('a timer that sets a timer is served within one advance', async () => {
  const world = createTestWorld();
  const fired: number[] = [];
  const start = world.now();
  const again = (): void => {
    fired.push(world.now() - start);
    if (fired.length < 3) world.after(10, again);
  };
  world.after(10, again);
  await world.advance(35);
  expect(fired).toEqual([10, 20, 30]);
  expect(world.timers).toBe(0);
});

test('ids increase while the clock jumps back and within one millisecond', () => {
  let now = 1_000_000;
  const id = createUuid7(() => now, createTestWorld().random);
  const first = id();
  now -= 3_600_000;
  const second = id();
  expect(second > first).toBe(true);
});
