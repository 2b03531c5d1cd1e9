import { expect, test } from 'vitest';
import type { LogRecord } from '../ports/log.ts';
import { createRing, type Ring } from './ring.ts';
import { range } from './test/reading.ts';

const record = (
  sequence: number,
  json = `{"n":${sequence}}`,
  type = sequence % 2 === 0 ? 'even' : 'odd',
): LogRecord => ({
  sequence,
  type,
  json,
});

/** Reads on from `after` as a subscriber does. */
function readAll(ring: Ring, after: number, upTo: number, wants?: (type: string) => boolean): readonly number[] {
  const numbers: number[] = [];
  for (let cursor = after; cursor < upTo;) {
    const slice = ring.slice(cursor, upTo, wants);
    if (slice === undefined) throw new Error(`nothing behind ${cursor}`);
    const text = new TextDecoder().decode(slice.bytes ?? new Uint8Array());
    const found = [...text.matchAll(/"n":(\d+)/g)].map(([, number]) => Number(number));
    expect(found.length).toBe(slice.delivered);
    expect(slice.last - cursor).toBe(slice.delivered + slice.filtered);
    numbers.push(...found);
    cursor = slice.last;
  }
  return numbers;
}

test('readers at one place share one piece of memory, however many commits it spans', () => {
  const ring = createRing(1024 * 1024);
  for (const sequence of range(1, 20)) ring.push('e', [record(sequence)]);
  const [one, other] = [ring.slice(5, 20, undefined), ring.slice(5, 20, undefined)];
  expect(one).toMatchObject({ last: 20, delivered: 15, filtered: 0 });
  expect(one?.bytes?.buffer).toBe(other?.bytes?.buffer);
  expect(readAll(ring, 0, 20)).toEqual(range(1, 20));
});

test('what a reader was given does not change when more comes', () => {
  const ring = createRing(1024 * 1024);
  ring.push('e', [record(1)]);
  const given = ring.slice(0, 1, undefined)?.bytes;
  const before = new TextDecoder().decode(given);
  for (const sequence of range(2, 500)) ring.push('e', [record(sequence)]);
  expect(new TextDecoder().decode(given)).toBe(before);
  expect(before).toBe('id: e.0000000000000001\ndata: {"n":1}\n\n');
});

test('only the newest end is held, and it is held whole', () => {
  const ring = createRing(16 * 1024);
  ring.push(
    'e',
    range(1, 5000).map((sequence) => record(sequence)),
  );
  expect(ring.slice(0, 5000, undefined)).toBeUndefined();
  const first = range(1, 5000).find((sequence) => ring.slice(sequence, 5000, undefined) !== undefined) ?? 0;
  expect(first).toBeGreaterThan(4000);
  expect(readAll(ring, first, 5000)).toEqual(range(first + 1, 5000));
});

test('a record larger than the ring is held alone', () => {
  const ring = createRing(1024);
  ring.push('e', [record(1)]);
  ring.push('e', [record(2, JSON.stringify({ n: 2, pad: 'x'.repeat(300_000) }))]);
  expect(ring.slice(0, 2, undefined)).toBeUndefined();
  expect(readAll(ring, 1, 2)).toEqual([2]);
});

test('a filter passes others by and counts them', () => {
  const ring = createRing(1024 * 1024);
  ring.push(
    'e',
    range(1, 1000).map((sequence) => record(sequence)),
  );
  expect(readAll(ring, 0, 1000, (type) => type === 'even')).toEqual(range(1, 500).map((half) => 2 * half));
  expect(readAll(ring, 0, 1000, () => false)).toEqual([]);
});

test('behind a hole it begins anew', () => {
  const ring = createRing(1024 * 1024);
  ring.push('e', [record(1), record(2)]);
  ring.push('e', [record(9), record(10)]);
  expect(ring.slice(1, 10, undefined)).toBeUndefined();
  expect(readAll(ring, 8, 10)).toEqual([9, 10]);
});
