// The same answers as where patterns are short, in a time that no pattern makes long.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePattern } from '../event/pattern.ts';
import { compileChannelPattern } from '../protocol/channel.ts';
import { compileText, compileTypes } from './patterns.ts';

const lettersOf = (all: readonly string[], maxLength: number) =>
  fc.array(fc.constantFrom(...all), { minLength: 1, maxLength });

test('of any length, a type matches what it matches where both are short', () => {
  fc.assert(
    fc.property(
      lettersOf(['a', 'b', '*', '**'], 80),
      lettersOf(['a', 'b', 'c'], 6),
      fc.nat(40),
      (wanted, some, times) => {
        const pattern = wanted.join('.');
        const type = Array.from({ length: times + 1 }, () => some.join('.')).join('.');
        expect(compileTypes([pattern])(type)).toBe(compilePattern(pattern)(type));
      },
    ),
    { numRuns: 1000 },
  );
});

test.each([
  ['a.**', 'a', true],
  ['a.**.b', 'a.b', true],
  ['**.b.**', 'b', true],
  ['*.**.*', 'a', false],
  ['**.**.a', 'a', true],
  ['*', 'a.b', true],
])('%j of a type as long as can be, ending in %j', (pattern, type, isMatch) => {
  const long = 'x'.repeat(1000);
  const [wanted, got] = [pattern.replaceAll('a', long), type.replaceAll('a', long)];
  expect([compilePattern(wanted)(got), compileTypes([wanted])(got)]).toEqual([isMatch, isMatch]);
});

test('of any length, text matches what it matches where both are short', () => {
  fc.assert(
    fc.property(lettersOf(['a', 'b', '*'], 120), lettersOf(['a', 'b'], 9), fc.nat(400), (wanted, some, times) => {
      const pattern = wanted.join('');
      const text = some.join('').repeat(times);
      expect(compileText(pattern)(text)).toBe(compileChannelPattern(pattern)(text));
    }),
    { numRuns: 1000 },
  );
});

test('the most and longest patterns over the longest type or value end at once', () => {
  const type = Array.from({ length: 130_000 }, () => 'a').join('.');
  const types = Array.from({ length: 100 }, (_, index) => `**.${'a.'.repeat(122)}b${index}`);
  const matches = compileTypes(types);
  const values = Array.from({ length: 100 }, (_, index) => compileText(`*${'a'.repeat(1000)}b${index}*`));
  const value = 'a'.repeat(260_000);
  expect([matches(type), values.some((matches) => matches(value))]).toEqual([false, false]);
});
