// The table of identities against a plain map, through growth, forgetting and collisions.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Hash } from './hash.ts';
import { createIdentities, identityLimits, loadIdentities } from './identities.ts';

test('it finds what a map finds, whatever is added and forgotten', () => {
  // Few hashes, and such that meet in one slot: long probes and real collisions.
  const hash = fc.tuple(fc.constantFrom(0, 1, 255, 256, 511, 0xffffffff), fc.constantFrom(0, 1, 0xffffffff));
  const step = fc.oneof({ weight: 9, arbitrary: hash }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 300, maxLength: 900 }),
      fc.integer({ min: 1, max: 1e12 }),
      (steps, first) => {
        const identities = createIdentities(first);
        let held: { readonly hash: Hash; readonly sequence: number }[] = [];
        let next = first;
        for (const step of steps) {
          if (typeof step === 'number') {
            held = held.slice(step);
            identities.forget(held[0]?.sequence ?? next);
            continue;
          }
          identities.add(step, next);
          held.push({ hash: step, sequence: next });
          next += 1;
          const expected = held.filter(({ hash }) => hash.join() === step.join()).map(({ sequence }) => sequence);
          expect(identities.find(step).toSorted((a, b) => a - b)).toEqual(expected);
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('segments of hashes come back under their sequences', () => {
  const identities = loadIdentities(5, [
    [
      5,
      [
        [1, 1],
        [2, 2],
      ] as Hash[],
    ],
    [7, [[1, 1]] as Hash[]],
  ]);
  expect(identities.find([1, 1])).toEqual([5, 7]);
  expect(identities.find([2, 2])).toEqual([6]);
  expect(identities.find([3, 3])).toEqual([]);
});

test('a table of all that a channel may hold stays below 24 MiB and still answers', () => {
  expect(identityLimits.slotsMax * 12).toBeLessThanOrEqual(24 * 1024 * 1024);
  expect(identityLimits.eventsMax).toBeLessThan(identityLimits.slotsMax);
});
