import { utf8Length } from '@godwit/core';
import { expect, test } from 'vitest';
import { measure } from './measure.ts';

test.each(['', '\0', '\x7f', '\x80', '\u07FF', '\u0800', '\uFEFF', '\uFFFF', '🐦', `${'a'.repeat(20_000)}é`])(
  '%# a text has as many bytes as the core counts',
  (text) => {
    expect(measure(text)).toBe(utf8Length(text));
  },
);

test('so has a text of many languages, and of halves of characters', () => {
  const units = ['plain', 'é', '€', '🐦', '\uD800', '\uDC00'];
  for (const first of units) {
    for (const second of units) {
      for (const third of units) {
        const text = `${first}${second}${third}`;
        expect(measure(text), JSON.stringify(text)).toBe(utf8Length(text));
      }
    }
  }
});
