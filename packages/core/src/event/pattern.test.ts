import { expect, test } from 'vitest';
import { compilePattern } from './pattern.ts';

test.each([
  ['order.placed', 'order.placed', true],
  ['order.placed', 'order.paid', false],
  ['order.*', 'order.placed', true],
  ['order.*', 'order.item.added', false],
  ['order.*', 'order', false],
  ['*.placed', 'order.placed', true],
  ['order.**', 'order.item.added', true],
  ['order.**', 'order', true],
  ['**.added', 'order.item.added', true],
  ['a.**.z', 'a.z', true],
  ['a.**.z', 'a.b.c.z', true],
  ['a.**.z', 'a.b.c', false],
  ['a.**.b.*', 'a.b.x.b.y', true],
  ['*', 'order.item.added', true],
  ['**', 'anything', true],
])('the pattern %s on the type %s: %s', (pattern, type, expected) => {
  expect(compilePattern(pattern)(type)).toBe(expected);
});

test.each(['', 'order..placed', 'order.', '.order', 'order.pl*', '***'])('%j is refused as a pattern', (pattern) => {
  expect(() => compilePattern(pattern)).toThrow(expect.objectContaining({ name: 'InvalidPattern' }));
});

test('a pattern of many ** does not explode', () => {
  const pattern = `${'**.a.'.repeat(40)}b`;
  expect(compilePattern(pattern)('a.'.repeat(2000) + 'c')).toBe(false);
});
