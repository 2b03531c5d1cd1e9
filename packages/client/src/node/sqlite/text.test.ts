import { expect, test } from 'vitest';
import { fromKey, textOf, toJson, toKey } from './text.ts';

test('names and ids of any characters come back, and no two share a key', () => {
  const names = [
    '',
    'a',
    'a\\u0000',
    'a\u0000',
    '\ud800',
    '\udfff',
    '\ufffd',
    '"',
    "o'hara; --",
    '\u{1f426}',
    '__proto__',
  ];
  expect(names.map(toKey).map(fromKey)).toEqual(names);
  expect(new Set(names.map(toKey)).size).toBe(names.length);
  // What SQLite's UTF-8 makes of a key is the key.
  for (const key of names.map(toKey)) expect(Buffer.from(key).toString()).toBe(key);
});

test('plain JSON is kept, whatever its members are called', () => {
  const value = { toJSON: 'x', constructor: null, list: [1, true, { text: '\ud800' }], none: undefined };
  expect(JSON.parse(toJson(value))).toEqual({ toJSON: 'x', constructor: null, list: [1, true, { text: '\ud800' }] });
});

const circle: Record<string, unknown> = {};
circle['self'] = circle;
let deep: unknown = 1;
for (let level = 0; level < 100_000; level += 1) deep = [deep];

test.each([
  ['a function', { f: () => 0 }],
  ['a symbol', [Symbol('s')]],
  ['a big integer', { n: 1n }],
  ['undefined in a list', [undefined]],
  ['NaN', { n: NaN }],
  ['Infinity', [Infinity]],
  ['a Date', { at: new Date(0) }],
  ['a Map', { map: new Map([[1, 2]]) }],
  ['what says itself what its JSON is', { toJSON: () => 1 }],
  ['a reference to itself', circle],
  ['what is deeper than the stack', deep],
])('%s, which JSON would change or cannot carry, is refused by name', (_, value) => {
  expect(() => toJson(value)).toThrow(
    expect.objectContaining({ name: 'StorageFailed', message: expect.stringContaining('nothing was stored') }),
  );
});

test('a column that something else has written to is refused by name', () => {
  expect(() => textOf(7)).toThrow(expect.objectContaining({ name: 'StorageFailed' }));
});
