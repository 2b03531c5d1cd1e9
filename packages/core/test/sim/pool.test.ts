import type { SimReport } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { playHere, playOn, type Seeds } from '../../sim/pool.ts';

const seeds: Seeds = { from: 1, count: 6, bounds: { stepsMax: 5 } };

async function played(reports: AsyncIterable<SimReport>): Promise<readonly SimReport[]> {
  const all: SimReport[] = [];
  for await (const report of reports) all.push(report);
  return all.toSorted((a, b) => a.seed - b.seed);
}

test('a seed is the same run on a thread as here, and each is played once', async () => {
  expect(await played(playOn(3, seeds))).toEqual(await played(playHere(seeds)));
});

test('whoever has seen enough ends the threads', async () => {
  for await (const { seed } of playOn(2, { ...seeds, count: 1000 })) {
    expect(seed).toBeGreaterThan(0);
    break;
  }
});
