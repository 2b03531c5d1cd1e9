import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { assertJson, utf8Length } from './json.ts';

class Money {
  readonly amount = 1;
}
const circle: Record<string, unknown> = {};
circle['self'] = { circle };

test.each([
  [new Date(0), '', 'the payload is an instance of Date'],
  [{ when: new Date(0) }, 'when', '`when` is an instance of Date'],
  [{ items: [{ price: 1n }] }, 'items[0].price', '`items[0].price` is a bigint'],
  [{ items: [1, undefined] }, 'items[1]', '`items[1]` is undefined'],
  [{ 'not an identifier': Number.NaN }, '["not an identifier"]', 'is NaN'],
  [{ rate: Number.POSITIVE_INFINITY }, 'rate', '`rate` is Infinity'],
  [{ big: 2 ** 53 }, 'big', '`big` is 9007199254740992, beyond the whole numbers that are exact (send it as a string)'],
  [{ seen: new Map() }, 'seen', '`seen` is an instance of Map'],
  [{ save: () => 1 }, 'save', '`save` is a function'],
  [{ total: new Money() }, 'total', '`total` is an instance of Money'],
  [{ tag: Symbol('t') }, 'tag', '`tag` is a symbol'],
  [{ bytes: new Uint8Array(2) }, 'bytes', '`bytes` is an instance of Uint8Array'],
  [undefined, '', 'the payload is undefined'],
  [circle, 'self.circle', '`self.circle` is a reference to itself'],
])('%# a payload that JSON cannot carry is refused, saying where: %s', (value, path, message) => {
  expect(() => assertJson(value)).toThrow(
    expect.objectContaining({
      name: 'InvalidPayload',
      message: expect.stringContaining(message),
      details: expect.objectContaining({ path }),
    }),
  );
});

test('a payload deeper than 200 levels is refused, not a stack overflow', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  expect(() => assertJson(deep)).toThrow(expect.objectContaining({ name: 'InvalidPayload' }));
});

test.each([2 ** 53 - 1, -(2 ** 53 - 1), 6.022_140_76e23, 1e21, 0.1, -0])('the number %d passes', (number) => {
  expect(() => assertJson({ number })).not.toThrow();
});

test('plain JSON passes, and so do a shared part, a null prototype and an optional member that is undefined', () => {
  const shared = { a: 1 };
  const bare: Record<string, unknown> = Object.assign(Object.create(null), { b: [true, null, 'x'] });
  expect(() => assertJson({ shared, again: shared, bare, maybe: undefined })).not.toThrow();
});

test('books that a store keeps within an object are passed over, and symbols that anybody can see are refused', () => {
  const hidden = Object.defineProperty({ title: 'fly' }, Symbol('mobx administration'), { value: new Map() });
  expect(() => assertJson({ hidden })).not.toThrow();
  expect(() => assertJson({ seen: { [Symbol('s')]: 1 } })).toThrow(/`seen` is an object with symbols/);
});

test('what an object inherits is neither written nor refused', () => {
  const inherited: object = Object.create(Object.assign(Object.create(null), { save: () => 1 }));
  expect(() => assertJson({ inherited: Object.assign(inherited, { own: 1 }) })).not.toThrow();
  expect(JSON.stringify({ inherited })).toBe('{"inherited":{"own":1}}');
});

test.each([
  ['', 0],
  ['abc', 3],
  ['é', 2],
  ['€', 3],
  ['🐦', 4],
  ['\uD800', 3],
])('%j has %i bytes in UTF-8', (text, bytes) => {
  expect(utf8Length(text)).toBe(bytes);
});

test('the bytes of any text are those that a server counts, wherever its long characters are', () => {
  const unit = fc.constantFrom('a', 'é', '€', '🐦', '\uD800', '\uDC00');
  const text = fc
    .tuple(fc.nat(3), unit, fc.nat(20_000))
    .map(([before, its, times]) => 'a'.repeat(before) + its.repeat(times));
  const measured = fc.property(text, (long) => {
    expect(utf8Length(long)).toBe(new TextEncoder().encode(long).length);
  });
  fc.assert(measured, { numRuns: 50 });
});
