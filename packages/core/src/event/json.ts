// What JSON cannot carry is refused at publish, saying where: a Date that came back as a string is a bug found too late.
import { Failure } from '../failure.ts';

/** Deeper than any honest payload, and far from the stack's end in every engine. */
const depthMax = 200;

/** Below this JSON writes a whole number's digits in full (ECMA-262, Number::toString). */
const writtenInFull = 1e21;

/**
 * Checks that `value` survives JSON unchanged: null, booleans, finite numbers (whole ones up to 2^53 - 1), strings, arrays and plain objects of these.
 * A member that is `undefined` is allowed in an object, where JSON leaves it out, and nowhere else; -0 arrives as 0, everywhere.
 *
 * @throws Failure `InvalidPayload`, with the path of the first thing that JSON cannot carry
 */
export function assertJson(value: unknown): void {
  assertWithin(value, '', undefined);
}

/** An object or array that is being looked through. */
interface Place {
  readonly value: object;
  readonly key: string | number;
  readonly outer: Place | undefined;
  readonly depth: number;
}

function assertWithin(value: unknown, key: string | number, outer: Place | undefined): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (Number.isSafeInteger(value)) return;
      if (!Number.isFinite(value)) throw refuse(outer, key, String(value));
      // JSON would carry it, but as digits that other languages read as another number; a relay refuses those.
      if (Number.isInteger(value) && Math.abs(value) < writtenInFull) {
        throw refuse(outer, key, `${value}, beyond the whole numbers that are exact (send it as a string)`);
      }
      return;
    case 'object':
      if (value !== null) assertParts(value, key, outer);
      return;
    default:
      throw refuse(outer, key, value === undefined ? 'undefined' : `a ${typeof value}`);
  }
}

function assertParts(value: object, key: string | number, outer: Place | undefined): void {
  for (let place = outer; place !== undefined; place = place.outer) {
    if (place.value === value) throw refuse(outer, key, 'a reference to itself');
  }
  const depth = outer === undefined ? 0 : outer.depth + 1;
  if (depth >= depthMax) throw refuse(outer, key, `more than ${depthMax} levels`);
  const here: Place = { value, key, outer, depth };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) assertWithin(value[index], index, here);
    return;
  }
  if (!isPlain(value)) throw refuse(outer, key, `an instance of ${classOf(value)}`);
  // What is not enumerable is nobody's data: stores that watch their objects (MobX, Solid) keep their books there.
  if (Object.getOwnPropertySymbols(value).some(isEnumerable, value)) throw refuse(outer, key, 'an object with symbols');
  // Engines read an object in this form by its shape, twice as fast as by a list of its keys; an event's check is most of
  // what `publish` costs beside its JSON.
  for (const name in value) {
    if (!hasOwn.call(value, name)) continue;
    const item = value[name];
    if (item !== undefined) assertWithin(item, name, here);
  }
}

/** Within such a loop engines know its answer; of `Object.hasOwn` they do not. */
const hasOwn = Object.prototype.hasOwnProperty;
const isEnumerable = Object.prototype.propertyIsEnumerable;
const tagOf = Object.prototype.toString;

/** No instance of a class; the prototype of another realm's objects has none either. */
function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null) &&
    tagOf.call(value) === '[object Object]'
  );
}

const identifier = /^[A-Za-z_$][\w$]*$/;

/** As a program would write it. Made only when something is refused. */
function pathOf(outer: Place | undefined, key: string | number): string {
  if (outer === undefined) return '';
  const before = pathOf(outer.outer, outer.key);
  if (typeof key === 'number') return `${before}[${key}]`;
  if (!identifier.test(key)) return `${before}[${JSON.stringify(key)}]`;
  return before === '' ? key : `${before}.${key}`;
}

function classOf(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}

function refuse(outer: Place | undefined, key: string | number, found: string): Failure {
  const path = pathOf(outer, key);
  const place = path === '' ? 'the payload' : `\`${path}\``;
  return new Failure('InvalidPayload', `${place} is ${found}, which JSON cannot carry`, { path });
}

/** Tells the number of bytes of a text in UTF-8. What does it soonest differs from one environment to the other. */
export type Measure = (text: string) => number;

// A page measures by other means, and its bundler leaves this out.
const encoder = /* @__PURE__ */ new TextEncoder();
/** Texts are measured in pieces of this many characters, each of which has three bytes at most. */
const pieceLength = 8192;
const scratch = new Uint8Array(3 * pieceLength);

/** The number of bytes of `text` in UTF-8; a surrogate that stands alone has three. */
export function utf8Length(text: string): number {
  let bytes = 0;
  let end = 0;
  while (end < text.length) {
    const begin = end;
    end += pieceLength;
    // The first half of a pair stays with the second: together they have four bytes, and apart six.
    if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
    // Browsers copy all of what they are given, also what there is no room for.
    bytes += encoder.encodeInto(text.slice(begin, end), scratch).written;
  }
  return bytes;
}
