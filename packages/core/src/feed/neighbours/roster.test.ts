// By its count and its sum a relay sees whether it knows the clients of another, without being sent them.
import { expect, test } from 'vitest';
import { createRoster, type Roster } from './roster.ts';

const rosterOf = (...names: readonly string[]): Roster => {
  const roster = createRoster();
  for (const name of names) roster.add(name);
  return roster;
};

test('the same names have the same sum, in whichever order they came, and whoever was there meanwhile', () => {
  const roster = rosterOf('alice', 'mallory', '\ud800', 'bob');
  expect(roster.add('bob')).toBe(false);
  expect([roster.delete('mallory'), roster.delete('mallory')]).toEqual([true, false]);
  const other = rosterOf('bob', 'alice', '\ud800');
  expect([roster.count, roster.sum]).toEqual([3, other.sum]);
  expect([...roster]).toEqual(['alice', '\ud800', 'bob']);
  for (const name of other) roster.delete(name);
  expect([roster.count, roster.sum]).toEqual([0, 0]);
});

test('a sum is what every release makes of a name', () => {
  // The published vectors of FNV-1a, 32 bits.
  expect([rosterOf('a').sum, rosterOf('foobar').sum, rosterOf('a', 'foobar').sum]).toEqual([
    0xe40c292c, 0xbf9cf968, 0xa3a92294,
  ]);
});

test('ten thousand names that are alike have sums of their own', () => {
  const sums = Array.from({ length: 10_000 }, (_, index) => rosterOf(`client-${index}`).sum);
  expect(new Set(sums).size).toBe(10_000);
});
