// A request's body, read up to a bound: what is larger is refused without being held.
import { Failure, toFailure } from '@godwit/core';
import { parseJson, type Parsed } from './numbers.ts';

/**
 * Reads a body of at most `bytesMax`.
 *
 * @param read reads one whose length was named
 * @throws Failure `TooLarge`, `UnsupportedMediaType` when it is compressed, or `InvalidEvent` when it breaks off
 */
export async function readBody(
  request: Request,
  bytesMax: number,
  read = async (): Promise<Uint8Array> => new Uint8Array(await request.arrayBuffer()),
): Promise<Uint8Array> {
  const coding = request.headers.get('content-encoding');
  // Taken as it comes, it would be stored as data that nobody meant; unpacked, a few bytes may become more than there is room for.
  if (coding !== null && !/^\s*(identity)?\s*$/i.test(coding)) {
    const shown = JSON.stringify(coding.slice(0, 40));
    throw new Failure('UnsupportedMediaType', `the body is sent as it is; the content encoding says ${shown}`);
  }
  const tooLarge = (): Failure =>
    new Failure('TooLarge', `the body is larger than ${bytesMax} bytes; send it in parts`);
  const length = request.headers.get('content-length');
  if (Number(length ?? 0) > bytesMax) throw tooLarge();
  if (length !== null) {
    // HTTP holds a body to the length that it has named: it needs no stream, which costs as much as all else of a post.
    const whole = await read().catch((error: unknown) => {
      throw brokeOff('', error);
    });
    if (whole.byteLength > bytesMax) throw tooLarge();
    return whole;
  }
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw brokeOff(` after ${size} bytes`, error);
    });
    if (done) break;
    size += value.byteLength;
    if (size > bytesMax) {
      void reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    chunks.push(value);
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : joined(chunks, size);
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
const strictWithBom = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Bytes as text.
 *
 * @param keepBom whether a byte order mark belongs to the text, as in somebody's data
 * @throws Failure `InvalidEvent` when they are not UTF-8
 */
export function decodeText(bytes: Uint8Array, keepBom = false): string {
  try {
    return (keepBom ? strictWithBom : strict).decode(bytes);
  } catch (error) {
    throw new Failure('InvalidEvent', 'the body is not UTF-8', { cause: error });
  }
}

/**
 * Bytes as JSON, whose numbers are yet to be checked.
 *
 * @throws Failure `InvalidEvent`
 */
export function decodeJson(bytes: Uint8Array): Parsed {
  return decodeJsonText(decodeText(bytes));
}

/**
 * Text as JSON, whose numbers are yet to be checked.
 *
 * @throws Failure `InvalidEvent`
 */
export function decodeJsonText(text: string, what = 'the body'): Parsed {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof RangeError)
      throw new Failure('InvalidEvent', `${what} is nested too deeply`, { cause: error });
    const said = error instanceof Error ? error.message : '';
    throw new Failure('InvalidEvent', `${what} is not JSON: ${said}; did it arrive whole?`, { cause: error });
  }
}

function brokeOff(after: string, error: unknown): Failure {
  return new Failure('InvalidEvent', `the body broke off${after}: ${toFailure(error).message}`);
}
