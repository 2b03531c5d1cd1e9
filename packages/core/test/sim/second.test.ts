// The other half: two files, since they run beside each other.
import { expect, test } from 'vitest';
import { shrink, simulate } from '../../src/testing/sim/index.ts';
import { worldsHold } from './worlds.ts';

test('nor in 250 others', () => worldsHold(251, 250), 120_000);

test('the same seed is the same run, to the last line of its timeline', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const [one, other] = [await simulate(seed, { timeline: true }), await simulate(seed, { timeline: true })];
    expect(one.timeline.length).toBeGreaterThan(10);
    expect(other.timeline).toEqual(one.timeline);
    expect(other).toEqual(one);
  }
}, 60_000);

test('a seed that does not fail is not made small', async () => {
  expect(await shrink(1)).toBeUndefined();
});
