// Lets the worlds of many seeds happen, and expects of each what the simulation checks.
import { expect } from 'vitest';
import { simulate } from '../../src/testing/sim/index.ts';

/** From a seed on, so many. */
export async function worldsHold(from: number, seeds: number): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const { violation } = await simulate(seed);
    expect(violation, `npm run sim -- --seed ${seed}`).toBeUndefined();
  }
}
