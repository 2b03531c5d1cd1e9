// Numbers in JSON are looked at closely only where one may be that no double holds, and found wherever it stands.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { assertKept, parseJson } from './numbers.ts';

/** One that is not kept, with what JSON may have before and behind it. */
const unkept = fc.constantFrom(
  '9007199254740993',
  '-12345678901234567890',
  '1e400',
  '-1.5E+999',
  '0.1e0400',
  '1'.repeat(400) + '.5',
);
const blank = fc.constantFrom('', ' ', '\n', '\t', '\r', ' \n ');
const kept = fc.oneof(
  // Of those that fast-check makes up, some are not.
  fc
    .jsonValue({ maxDepth: 2 })
    .map((value) => JSON.stringify(value))
    .filter((text) => !/\d{16}/.test(text)),
  fc.constantFrom(
    '"e12"',
    '": 9007199254740993"',
    '"[1e400"',
    '9007199254740991',
    '1e22',
    '0.12345678901234567890',
    '"\\u0022,1e400"',
  ),
);

/** A text that has the number somewhere in it. */
const around = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    unkept,
    fc.tuple(blank, tie('json'), blank).map((parts) => parts.join('')),
    fc
      .tuple(kept, blank, tie('json'), blank)
      .map(([other, before, its, behind]) => `[${other},${before}${its}${behind}]`),
    fc.tuple(kept, blank, tie('json')).map(([other, before, its]) => `{"a":${other},"b":${before}${its}}`),
    fc.tuple(tie('json'), kept).map(([its, other]) => `[${its},${other}]`),
  ),
})).json;

test('a number that is not kept is found wherever it stands', () => {
  fc.assert(
    fc.property(around, (text) => {
      const { value, hasUnkept } = parseJson(text);
      expect(hasUnkept).toBe(true);
      expect(() => assertKept(value)).toThrow("which JSON's readers do not keep");
    }),
    { numRuns: 300 },
  );
});

test('what is kept is what JSON says, whatever strings look like', () => {
  fc.assert(
    fc.property(kept, (text) => {
      expect(parseJson(`{"a":${text}}`)).toEqual({ value: JSON.parse(`{"a":${text}}`), hasUnkept: false });
    }),
  );
});
