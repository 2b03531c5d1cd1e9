// Text and JSON as columns: nothing that goes in comes out as something else.
import { Failure } from '@godwit/core';
import { escapeText } from '@godwit/core/protocol';

/** A name or an id as a key. SQLite's UTF-8 would make one character of all lone surrogates, and one key of two. */
export function toKey(text: string): string {
  return escapeText(text);
}

/** The name or the id again. */
export function fromKey(column: unknown): string {
  const text = textOf(column);
  return text.includes('\\') ? String(JSON.parse(`"${text}"`)) : text;
}

/**
 * A value as JSON.
 *
 * @throws Failure `StorageFailed` when JSON would drop or change a part of it without a word
 */
export function toJson(value: unknown): string {
  try {
    const json = JSON.stringify(value);
    assertCarried(value);
    return json;
  } catch (error) {
    // One that refers to itself, or goes deeper than the stack does.
    throw error instanceof Failure ? error : unstorable(error instanceof Error ? error.message : String(error));
  }
}

/** Room for one character more, so that a text that is longer than was said does not seem to end where it should. */
const spareBytes = 4;

/**
 * Makes what puts text of so many bytes at most into UTF-8. Written into memory that is used again: of a string SQLite would
 * make two more copies, and new memory of this size the system has to find and clear each time. What it answers holds until
 * it is called again.
 */
export function createTextWriter(): (text: string, bytesMax: number) => Uint8Array {
  let memory = Buffer.alloc(0);
  return (text, bytesMax) => {
    if (memory.length < bytesMax + spareBytes) memory = Buffer.allocUnsafe(bytesMax + spareBytes);
    const bytes = memory.write(text);
    // Whoever counted the bytes was wrong.
    return bytes <= bytesMax ? memory.subarray(0, bytes) : Buffer.from(text);
  };
}

/** Looks for what `JSON.stringify` passes over or changes. */
function assertCarried(value: unknown): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (Number.isFinite(value)) return;
      throw unstorable(`it holds ${value}`);
    case 'object':
      if (value === null) return;
      if (Array.isArray(value)) for (const item of value) assertCarried(item);
      else if (!isPlain(value)) throw unstorable('it holds an instance of a class');
      // JSON leaves a member out that is undefined, as whoever reads it does.
      else for (const item of Object.values(value)) if (item !== undefined) assertCarried(item);
      return;
    default:
      throw unstorable(`it holds ${value === undefined ? 'undefined' : `a ${typeof value}`}`);
  }
}

function isPlain(value: object): boolean {
  return (
    Object.prototype.toString.call(value) === '[object Object]' &&
    !('toJSON' in value && typeof value.toJSON === 'function')
  );
}

/** The text in a column. Of JSON the file's version says what it holds: only this release and those before it wrote it. */
export function textOf(column: unknown): string {
  if (typeof column === 'string') return column;
  throw new Failure(
    'StorageFailed',
    `the file holds ${typeof column} where text should be; did something else write to it?`,
  );
}

function unstorable(why: string): Failure {
  return new Failure('StorageFailed', `what was to be stored is no plain JSON: ${why}; nothing was stored`);
}
