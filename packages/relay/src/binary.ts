// Binary mode: attributes in `ce-*` headers, the data as the body (CloudEvents HTTP binding 1.0.2, section 3.1).
import { Failure } from '@godwit/core';
import { binaryPrefix } from '@godwit/core/protocol';
import { decodeJson, decodeText } from './body.ts';
import { assertKept } from './numbers.ts';

/** Attributes that binary mode puts elsewhere: one in a header could contradict the body. */
const elsewhere = new Set(['data', 'data_base64', 'datacontenttype']);

/**
 * Reads an event; that it is a CloudEvent is yet to be checked.
 *
 * @throws Failure `InvalidEvent`, or `UnsupportedMediaType` for JSON in another encoding than UTF-8
 */
export function decodeBinary(headers: Headers, body: Uint8Array): Record<string, unknown> {
  const attributes: [string, unknown][] = [];
  for (const [header, value] of headers) {
    if (!header.startsWith(binaryPrefix)) continue;
    const name = header.slice(binaryPrefix.length);
    if (elsewhere.has(name)) {
      throw new Failure('InvalidEvent', `header "${header}": in binary mode it is the body, or its Content-Type`);
    }
    attributes.push([name, valueOf(name, decodeHeader(header, value))]);
  }
  const type = lastContentType(headers.get('content-type'));
  if (type !== null) attributes.push(['datacontenttype', type]);
  return Object.fromEntries([...attributes, ...dataOf(type, body)]);
}

/** Sent twice, it arrives as a list, of which the last member counts (RFC 9110, section 8.3); within quotes a comma ends none. */
export function lastContentType(header: string | null): string | null {
  if (header === null || !header.includes(',')) return header;
  let begin = 0;
  let isQuoted = false;
  for (let at = 0; at < header.length; at += 1) {
    if (header[at] === '"') isQuoted = !isQuoted;
    else if (header[at] === ',' && !isQuoted) begin = at + 1;
  }
  return header.slice(begin).trim();
}

/** Header values are text; the one attribute of ours that is not gets its type back. */
function valueOf(name: string, value: string): unknown {
  if (name !== 'ephemeral') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  return value;
}

/** Percent-decoding, and the quotes that older writers put around (section 3.1.3.2). */
function decodeHeader(header: string, value: string): string {
  const refuse = (why: string): Failure => new Failure('InvalidEvent', `header "${header}" ${why}`);
  if (!/^[\x20-\x7e]*$/.test(value)) throw refuse('has other characters than printable ASCII; percent-encode them');
  const [, quoted] = /^"(.*)"$/.exec(value) ?? [];
  const plain = quoted === undefined ? value : quoted.replaceAll(/\\(.)/g, '$1');
  try {
    return decodeURIComponent(plain);
  } catch {
    throw refuse('is not percent-encoded UTF-8');
  }
}

function dataOf(contentType: string | null, body: Uint8Array): readonly [string, unknown][] {
  if (body.byteLength === 0) return [];
  const [type = ''] = (contentType ?? 'application/json').toLowerCase().split(';');
  const media = type.trim();
  if (media === 'application/json' || media.endsWith('+json')) {
    // JSON is UTF-8 (RFC 8259, section 8.1): in another encoding it would be read as what nobody wrote.
    if (!isUtf8(contentType)) {
      throw new Failure('UnsupportedMediaType', `JSON is UTF-8; the content type says ${contentType ?? ''}`);
    }
    const { value, hasUnkept } = decodeJson(body);
    if (hasUnkept) assertKept({ data: value });
    return [['data', value]];
  }
  if (media.startsWith('text/') && isUtf8(contentType)) return [['data', decodeText(body, true)]];
  return [['data_base64', toBase64(body)]];
}

function isUtf8(contentType: string | null): boolean {
  const [, charset] = /;\s*charset="?([^";\s]+)/i.exec(contentType ?? '') ?? [];
  return charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset);
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  // In parts: a call has only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
