// What JSON cannot carry is refused at publish, saying where: a Date that came back as a string is a bug found too late.
import { Failure } from '../failure.ts';

/** Deeper than any honest payload, and far from the stack's end in every engine. */
const depthMax = 200;

/** Below this JSON writes a whole number's digits in full (ECMA-262, Number::toString). */
const writtenInFull = 1e21;

/**
 * Checks that `value` survives JSON unchanged: null, booleans, finite numbers (whole ones up to 2^53 - 1), strings, arrays and plain objects of these.
 * A member that is `undefined` is allowed in an object, where JSON leaves it out, and nowhere else.
 *
 * @throws Failure `InvalidPayload`, with the path of the first thing that JSON cannot carry
 */
export function assertJson(value: unknown, path = '', ancestors: readonly unknown[] = []): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refuse(path, String(value));
    // JSON would carry it, but as digits that other languages read as another number; a relay refuses those.
    if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < writtenInFull) {
      throw refuse(path, `${value}, beyond the whole numbers that are exact (send it as a string)`);
    }
    return;
  }
  if (typeof value !== 'object') throw refuse(path, value === undefined ? 'undefined' : `a ${typeof value}`);
  if (ancestors.includes(value)) throw refuse(path, 'a reference to itself');
  if (ancestors.length >= depthMax) throw refuse(path, `more than ${depthMax} levels`);
  const inside = [...ancestors, value];
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) assertJson(value[index], `${path}[${index}]`, inside);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    throw refuse(path, `an instance of ${classOf(value)}`);
  }
  if (Object.prototype.toString.call(value) !== '[object Object]')
    throw refuse(path, `an instance of ${classOf(value)}`);
  if (Object.getOwnPropertySymbols(value).length > 0) throw refuse(path, 'a symbol key');
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) assertJson(item, path === '' ? keyOf(key) : `${path}${keyOf(key, '.')}`, inside);
  }
}

const identifier = /^[A-Za-z_$][\w$]*$/;

function keyOf(key: string, dot = ''): string {
  return identifier.test(key) ? `${dot}${key}` : `[${JSON.stringify(key)}]`;
}

function classOf(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}

function refuse(path: string, found: string): Failure {
  const place = path === '' ? 'the payload' : `\`${path}\``;
  return new Failure('InvalidPayload', `${place} is ${found}, which JSON cannot carry`, { path });
}

const encoder = new TextEncoder();

/** The number of bytes of `text` in UTF-8. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
