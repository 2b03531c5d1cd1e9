import { createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { createTelling } from './telling.ts';

test('a busy channel tells at its first use, and then twice a minute; a quiet one tells nothing', async () => {
  const world = createTestWorld();
  let told = 0;
  const telling = createTelling(world, async () => void (told += 1));
  for (let second = 0; second < 60; second += 1) {
    telling.touch();
    await world.advance(1000);
  }
  expect(told).toBe(3);
  await world.advance(600_000);
  expect(told).toBe(3);
  telling.touch();
  expect(told).toBe(4);
  telling.reset();
  telling.touch();
  expect(told).toBe(5);
});
