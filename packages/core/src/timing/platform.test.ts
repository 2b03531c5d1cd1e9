import { expect, test } from 'vitest';
import { worldContract } from '../testing/world-contract.ts';
import { worldOf } from './platform.ts';

// oxlint-disable-next-line no-restricted-globals -- the platform under test
const platform = globalThis;

worldContract('of the platform', () => {
  const world = worldOf(platform);
  return { world, pass: (ms) => new Promise((resolve) => world.after(ms, resolve)) };
});

test('a timer longer than platforms keep is armed again, and not early', () => {
  const delays: number[] = [];
  const fire: (() => void)[] = [];
  let fired = false;
  const world = worldOf({
    Date,
    crypto: platform.crypto,
    setTimeout(callback: () => void, ms: number) {
      delays.push(ms);
      fire.push(callback);
      return delays.length;
    },
    clearTimeout: () => undefined,
  });
  world.after(2 ** 31 + 4, () => (fired = true));
  fire[0]?.();
  expect(fired).toBe(false);
  fire[1]?.();
  expect(fired).toBe(true);
  expect(delays).toEqual([2 ** 31 - 1, 5]);
});
