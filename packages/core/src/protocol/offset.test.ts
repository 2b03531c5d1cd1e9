import { expect, test } from 'vitest';
import { createUuid7 } from '../event/id.ts';
import { createTestWorld } from '../testing/world.ts';
import { epochOf, formatOffset, parseOffset, parsePosition, resolvePosition } from './offset.ts';

const epoch = epochOf(createTestWorld().id());
const extent = { epoch, head: 20, tail: 11 };

test('an offset comes back as it went out, and grows as text', () => {
  const offsets = [0, 1, 9, 10, 99, 100, 2 ** 40, Number.MAX_SAFE_INTEGER].map((number) => formatOffset(epoch, number));
  expect([...offsets].sort()).toEqual(offsets);
  expect(offsets.map((offset) => parseOffset(offset).sequence)).toEqual([
    0,
    1,
    9,
    10,
    99,
    100,
    2 ** 40,
    Number.MAX_SAFE_INTEGER,
  ]);
  for (const offset of offsets) expect(offset).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
});

test.each([
  '',
  '.',
  'x',
  '1',
  '0',
  '-1',
  'Earliest',
  'earliest ',
  'latest\n',
  'a.1',
  `${epoch}.`,
  `${epoch}.1`,
  `${epoch}.00000000000000001`,
  `${epoch}.000000000000000x`,
  `${epoch}.0000000000000001\n`,
  ` ${epoch}.0000000000000001`,
  'a.b.0000000000000001',
  'ä.0000000000000001',
  `${'e'.repeat(48)}.0000000000000001`,
  '\u0000',
  '__proto__',
])('%j is no offset', (text) => {
  expect(() => parsePosition(text)).toThrow(expect.objectContaining({ name: 'InvalidOffset' }));
});

test('a position that is held is where reading goes on', () => {
  expect(resolvePosition('latest', extent)).toEqual({ after: 20 });
  expect(resolvePosition('earliest', extent)).toEqual({ after: 10 });
  for (const sequence of [10, 11, 15, 20])
    expect(resolvePosition({ epoch, sequence }, extent)).toEqual({ after: sequence });
});

test('below the tail, the gap has the exact number', () => {
  expect(resolvePosition({ epoch, sequence: 9 }, extent)).toEqual({
    after: 10,
    gap: { missed: 1, reason: 'retention' },
  });
  expect(resolvePosition({ epoch, sequence: 0 }, extent)).toEqual({
    after: 10,
    gap: { missed: 10, reason: 'retention' },
  });
});

test('of another epoch, or beyond the head, nobody can know', () => {
  const gap = { after: 10, gap: { missed: null, reason: 'epoch' } };
  expect(resolvePosition({ epoch: 'other', sequence: 15 }, extent)).toEqual(gap);
  expect(resolvePosition({ epoch, sequence: 21 }, extent)).toEqual(gap);
});

test('epochs are of their own, and later ones sort later', async () => {
  const world = createTestWorld();
  const first = epochOf(world.id());
  const twin = epochOf(world.id());
  await world.advance(1);
  const later = epochOf(world.id());
  expect(new Set([first, twin, later]).size).toBe(3);
  expect(later > first && later > twin).toBe(true);
});

test('epochs that begin within one millisecond differ', () => {
  let drawn = 0;
  const id = createUuid7(
    () => 1_700_000_000_000,
    () => (drawn += 0.1) % 1,
  );
  const epochs = Array.from({ length: 500 }, () => epochOf(id()));
  expect(new Set(epochs).size).toBe(500);
  expect(epochs.every((epoch) => epoch.length === 20)).toBe(true);
});
