// The three content modes of CloudEvents over HTTP: structured, batched, binary. All become items to append.
import { decodeCloudEvent, Failure, toFailure, utf8Length, type CloudEvent } from '@godwit/core';
import type { AppendItem } from '@godwit/core/feed';
import { binaryPrefix, mediaTypes, type Limits } from '@godwit/core/protocol';
import { decodeBinary, lastContentType } from './binary.ts';
import { decodeJson, readBody } from './body.ts';
import { assertKept, type Parsed } from './numbers.ts';
import { assertValues } from './values.ts';

/** What of the limits concerns a POST. */
type BodyLimits = Pick<Limits, 'eventBytesMax' | 'batchEventsMax' | 'batchBytesMax'>;

/** How much longer JSON may become when it is read and written again: `1e20` has 4 characters, and its digits 21. */
const growthMax = 6;
/** Deeper than any honest data, and far from where an engine's JSON writer runs out of stack. */
const depthMax = 500;

/**
 * Reads a request's events. What is wrong with one of a batch is that one's own; what is wrong with a single event, or
 * with a batch as a whole, is thrown.
 *
 * @throws Failure `UnsupportedMediaType`, `TooLarge`, `InvalidEvent` or `InvalidRequest`
 */
export async function readItems(
  request: Request,
  limits: BodyLimits,
  read?: () => Promise<Uint8Array>,
): Promise<readonly AppendItem[]> {
  const type = contentTypeOf(request.headers.get('content-type'));
  const body = (): Promise<Uint8Array> => readBody(request, limits.batchBytesMax, read);
  if (type === mediaTypes.batch) return readBatch(decodeJson(await body()), limits);
  if (type === mediaTypes.event) {
    const bytes = await body();
    return [readEvent(decodeJson(bytes), limits, '', bytes.byteLength)];
  }
  if (!type.startsWith('application/cloudevents') && hasBinaryHeaders(request.headers)) {
    return [admit(decodeCloudEvent(decodeBinary(request.headers, await body())), limits)];
  }
  throw new Failure(
    'UnsupportedMediaType',
    `expected ${mediaTypes.event}, ${mediaTypes.batch}, or ${binaryPrefix}* headers beside any content type; got ${type === '' ? 'none' : type}`,
  );
}

/**
 * What a socket publishes: an event, or a batch of them.
 *
 * @throws Failure `TooLarge` or `InvalidEvent`
 */
export function itemsOf(parsed: Parsed, limits: BodyLimits): readonly AppendItem[] {
  return Array.isArray(parsed.value) ? readBatch(parsed, limits) : [readEvent(parsed, limits)];
}

function readEvent({ value, hasUnkept }: Parsed, limits: BodyLimits, where = '', sentBytes?: number): AppendItem {
  if (hasUnkept) assertKept(value, where);
  return admit(decodeCloudEvent(value, where), limits, where, sentBytes);
}

function readBatch({ value, hasUnkept }: Parsed, limits: BodyLimits): readonly AppendItem[] {
  if (!Array.isArray(value)) throw new Failure('InvalidEvent', 'a batch is a JSON array of CloudEvents');
  if (value.length > limits.batchEventsMax) {
    throw new Failure('TooLarge', `the batch has ${value.length} events, and ${limits.batchEventsMax} is the most`);
  }
  return value.map((member: unknown, index): AppendItem => {
    try {
      // Where there is only one, its place says nothing.
      return readEvent({ value: member, hasUnkept }, limits, value.length > 1 ? `[${index}]` : '');
    } catch (error) {
      const { name, message } = toFailure(error);
      return { refused: { id: idOf(member), failure: { name, message } } };
    }
  });
}

/** Passes an event on that is not too large, nor nested so deeply that it could not be written as JSON again. */
function admit(event: CloudEvent, { eventBytesMax }: BodyLimits, where = '', sentBytes = Infinity): AppendItem {
  const which = where === '' ? 'the event' : `event ${where}`;
  if (isDeeperThan(event.data, depthMax)) {
    throw new Failure('InvalidEvent', `${which}: its data is nested more than ${depthMax} levels deep`);
  }
  assertValues(event, which);
  // Small enough however it is written: it need not be written to be measured.
  if (sentBytes * growthMax <= eventBytesMax) return { event, bytes: sentBytes };
  const bytes = utf8Length(JSON.stringify(event));
  if (bytes <= eventBytesMax) return { event, bytes };
  throw new Failure(
    'TooLarge',
    `${which} has ${bytes} bytes of JSON, and ${eventBytesMax} is the most; store what is large elsewhere, and send where it is`,
  );
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}

function idOf(member: unknown): string | null {
  const id: unknown = typeof member === 'object' && member !== null && 'id' in member ? member.id : null;
  return typeof id === 'string' && id !== '' ? id : null;
}

function hasBinaryHeaders(headers: Headers): boolean {
  // Enough of them to be meant: the one that every event has, or the one that says which CloudEvents.
  return headers.has(`${binaryPrefix}specversion`) || headers.has(`${binaryPrefix}id`);
}

/** The media type without its parameters. Only UTF-8 is JSON (RFC 8259, section 8.1). */
function contentTypeOf(header: string | null): string {
  if (header === mediaTypes.event || header === mediaTypes.batch) return header;
  const [type = '', ...parameters] = (lastContentType(header) ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  const isOurs = type === mediaTypes.event || type === mediaTypes.batch;
  if (isOurs && charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new Failure('UnsupportedMediaType', `events are UTF-8; the content type says ${charset}`);
  }
  return type;
}
