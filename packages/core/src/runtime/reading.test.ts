import { expect, test } from 'vitest';
import { createReading } from './reading.ts';

const rooms = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => [`room:${from + n}`, 'earliest'] as const);

test('the channels of all tabs are read together, and those of a tab that closes are left unless another reads them', () => {
  const reading = createReading(rooms(0, 2));
  expect(reading.hear('bob', rooms(1, 4)).added.map(([name]) => name)).toEqual(['room:2', 'room:3']);
  expect(reading.hear('carol', rooms(3, 5)).added.map(([name]) => name)).toEqual(['room:4']);
  expect(reading.hear('bob', []).removed).toEqual(['room:2']);
  expect([...reading.channels.keys()]).toEqual(['room:0', 'room:1', 'room:3', 'room:4']);
  reading.forgetOthers();
  expect([...reading.channels.keys()]).toEqual(['room:0', 'room:1']);
});

test('one stream carries a hundred channels: who comes last waits for a tab to close', () => {
  const reading = createReading(rooms(0, 60));
  expect(reading.hear('bob', rooms(60, 90)).tooMany).toBe(false);
  const { added, tooMany } = reading.hear('carol', rooms(90, 110));
  expect([added.length, tooMany, reading.channels.size]).toEqual([10, true, 100]);
  const left = reading.hear('bob', []);
  expect([left.removed.length, left.added.length, left.tooMany]).toEqual([30, 10, false]);
  expect(reading.channels.size).toBe(80);
});
