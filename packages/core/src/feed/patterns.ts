// Patterns that strangers ask for, against what strangers wrote: in a time that grows with the text alone, however the two were made.
import { compilePattern } from '../event/pattern.ts';

/** Up to so many of a type's characters times a pattern's segments, to go back and forth costs less than to look at each segment once. */
const shortMax = 512;
/** Up to so many steps at most, the platform's own search is the faster one. */
const stepsMax = 64 * 1024;
const bitsPerWord = 32;

/**
 * Compiles patterns over event types, of which one is to match.
 *
 * @throws Failure `InvalidPattern`
 */
export function compileTypes(patterns: readonly string[]): (type: string) => boolean {
  const compiled = patterns.map(compileType);
  return (type) => {
    let segments: readonly string[] | undefined;
    for (const { lengthMax, matches, matchesLong } of compiled) {
      if (type.length <= lengthMax ? matches(type) : matchesLong((segments ??= type.split('.')))) return true;
    }
    return false;
  };
}

/** Compiles a pattern over text: `*` stands for any run of characters. */
export function compileText(pattern: string): (text: string) => boolean {
  const parts = pattern.split('*');
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return (text) => text === pattern;
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    for (const part of parts.slice(1, -1)) {
      const found = find(text, part, from);
      if (found < 0 || found + part.length > end) return false;
      from = found + part.length;
    }
    return true;
  };
}

function compileType(pattern: string) {
  const segments = (pattern === '*' ? '**' : pattern).split('.');
  let linear: ReturnType<typeof compileSegments> | undefined;
  return {
    lengthMax: pattern.includes('*') ? shortMax / segments.length : Infinity,
    matches: compilePattern(pattern),
    // Few readers ever meet such a type, and most patterns are short.
    matchesLong: (type: readonly string[]): boolean => (linear ??= compileSegments(segments))(type),
  };
}

/**
 * All the places in a pattern that a type may have come to, moved on together, a bit each.
 *
 * @see https://doi.org/10.1145/135239.135243 (Baeza-Yates and Gonnet, "A new approach to text searching")
 */
function compileSegments(pattern: readonly string[]): (type: readonly string[]) => boolean {
  const wanted = pattern.filter((segment, at) => segment !== '**' || pattern[at - 1] !== '**');
  const words = Math.floor(wanted.length / bitsPerWord) + 1;
  const [runs, anyOne] = [new Int32Array(words), new Int32Array(words)];
  const named = new Map<string, Int32Array>();
  for (const [at, segment] of wanted.entries()) {
    const its = segment === '**' ? runs : segment === '*' ? anyOne : (named.get(segment) ?? new Int32Array(words));
    if (its !== runs && its !== anyOne) named.set(segment, its);
    set(its, at);
  }
  return (type) => {
    const places = new Int32Array(words);
    set(places, 0);
    passRuns(places);
    for (const segment of type) {
      const its = named.get(segment);
      let carry = 0;
      let left = 0;
      for (let word = 0; word < words; word += 1) {
        const before = places[word] ?? 0;
        const moved = before & ((anyOne[word] ?? 0) | (its?.[word] ?? 0));
        const after = (moved << 1) | carry | (before & (runs[word] ?? 0));
        carry = moved >>> (bitsPerWord - 1);
        places[word] = after;
        left |= after;
      }
      if (left === 0) return false;
      passRuns(places);
    }
    return ((places[words - 1] ?? 0) & (1 << (wanted.length % bitsPerWord))) !== 0;
  };

  /** `**` is also none: whoever stands before one stands behind it, too. */
  function passRuns(places: Int32Array): void {
    let carry = 0;
    for (let word = 0; word < words; word += 1) {
      const passed = (places[word] ?? 0) & (runs[word] ?? 0);
      places[word] = (places[word] ?? 0) | (passed << 1) | carry;
      carry = passed >>> (bitsPerWord - 1);
    }
  }
}

function set(bits: Int32Array, at: number): void {
  const word = Math.floor(at / bitsPerWord);
  bits[word] = (bits[word] ?? 0) | (1 << (at % bitsPerWord));
}

/** `indexOf`, which looks at each place anew for as long as it fits; where that may take long, by Knuth, Morris and Pratt. */
function find(text: string, part: string, from: number): number {
  if (text.length * part.length <= stepsMax) return text.indexOf(part, from);
  const borders = new Int32Array(part.length + 1);
  for (let at = 1, length = 0; at < part.length; at += 1) {
    while (length > 0 && part[at] !== part[length]) length = borders[length] ?? 0;
    if (part[at] === part[length]) length += 1;
    borders[at + 1] = length;
  }
  for (let at = from, length = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    while (length > 0 && code !== part.charCodeAt(length)) length = borders[length] ?? 0;
    if (code === part.charCodeAt(length)) length += 1;
    if (length === part.length) return at + 1 - length;
  }
  return -1;
}
