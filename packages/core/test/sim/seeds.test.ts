// The first five hundred seeds, at each `npm test`; `npm run sim` runs as many as one likes.
import { expect, test } from 'vitest';
import { faultKinds, simulate, type FaultKind } from '../../src/testing/sim/index.ts';

const seeds = 500;

test(`in ${seeds} seeded worlds no event is lost, stored twice, reordered or forgotten`, async () => {
  const met = new Set<FaultKind>();
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { violation, faults } = await simulate(seed);
    expect(violation, `npm run sim -- --seed ${seed}`).toBeUndefined();
    for (const kind of faults.keys()) met.add(kind);
  }
  expect(faultKinds.filter((kind) => !met.has(kind))).toEqual([]);
}, 120_000);

test('the same seed is the same run, to the last line of its timeline', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const [one, other] = [await simulate(seed, { timeline: true }), await simulate(seed, { timeline: true })];
    expect(one.timeline.length).toBeGreaterThan(10);
    expect(other.timeline).toEqual(one.timeline);
    expect(other).toEqual(one);
  }
});
