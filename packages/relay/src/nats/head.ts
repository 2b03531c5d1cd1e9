// What a message of a channel's stream says: what the channel is once it is stored, and what of that the message brought.
import { deflateRaw, inflateRawSync } from 'node:zlib';
import { promisify } from 'node:util';
import { Failure } from '@godwit/core';
import { decodeSegment, encodeSegment } from '@godwit/core/feed';
import type { LogRecord } from '@godwit/core';
import type { Hash } from '../identities/hash.ts';
import type { Message } from './stream.ts';

/** A channel after a message. */
export interface ChannelHead {
  readonly epoch: string;
  /** How many epochs came before it. */
  readonly generation: number;
  /** False where only the epoch is kept, so that no later log takes an old one's offsets for its own. */
  readonly isLive: boolean;
  /** The newest sequence. */
  readonly head: number;
  /** The oldest sequence held; `head + 1` where none is. */
  readonly tail: number;
  /** The size of the JSON held. */
  readonly bytes: number;
  readonly published: number;
  readonly duplicates: number;
  readonly refused: number;
}

/** A message's head. Its events have the sequences up to `head`. */
export interface CommitHead extends ChannelHead {
  /** No other message's: whoever has not heard whether its own was stored knows it by this. */
  readonly by: string;
  /** Of the message before it that is ours; empty for the first. Where it is another, the host has lost what it had acknowledged. */
  readonly behind: string;
  /** Wall-clock milliseconds. */
  readonly at: number;
  /** The size of its events' JSON. */
  readonly size: number;
  /** Of its events' identities, in order. */
  readonly hashes: readonly Hash[];
}

/** What a message is to bring, and what the channel is with it. */
export interface Draft {
  readonly channel: ChannelHead;
  readonly records: readonly LogRecord[];
  /** Of the records' identities, in order. */
  readonly hashes: readonly Hash[];
  /** The size of the records' JSON. */
  readonly size: number;
}

/** What a message brings that only says how the channel stands. */
export const nothing: Omit<Draft, 'channel'> = { records: [], hashes: [], size: 0 };

/** Bodies from this size on are compressed: a batch of the largest size fits into a message of the same, whatever is put beside it. */
const packedFromBytes = 64 * 1024;
/** What a body may grow to: no message that a host takes holds more. */
const unpackedBytesMax = 256 * 1024 * 1024;

const version = 1;
const deflate = promisify(deflateRaw);
/** A type may begin with what would be taken for a mark of the encoding. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The first byte of a body says how it is written. */
const asText = 0;
const asPacked = 1;

/** A channel that nothing was ever written to. */
export function blankHead(epoch: string): ChannelHead {
  return { epoch, generation: 0, isLive: false, head: 0, tail: 1, bytes: 0, published: 0, duplicates: 0, refused: 0 };
}

/** What a head says of the channel. */
export function channelOf(given: ChannelHead): ChannelHead {
  const { epoch, generation, isLive, head, tail, bytes, published, duplicates, refused } = given;
  return { epoch, generation, isLive, head, tail, bytes, published, duplicates, refused };
}

/** Writes a message. */
export async function messageOf(
  { by, behind, at }: Pick<CommitHead, 'by' | 'behind' | 'at'>,
  { channel, records, hashes, size }: Draft,
): Promise<Message> {
  const head = encodeHead({ ...channelOf(channel), by, behind, at: Math.floor(at), size, hashes });
  return { head, body: await encodeBody(records) };
}

/** Writes a head, as one line of ASCII but for what the channel's name brings. */
function encodeHead({ hashes, ...head }: CommitHead): string {
  const words = new Uint32Array(hashes.length * 2);
  hashes.forEach((hash, index) => words.set(hash, index * 2));
  return JSON.stringify({ v: version, ...head, ids: littleEndian(words).toString('base64') });
}

/**
 * Reads a head; undefined where it is none of ours.
 *
 * @throws Failure `StorageFailed` where a newer release wrote it, or it is damaged
 */
export function decodeHead(text: string): CommitHead | undefined {
  const value = parsed(text);
  if (value === undefined || typeof value['v'] !== 'number') return undefined;
  if (value['v'] > version) {
    const message = `the channel was written to by a newer release (format ${value['v']}, this one knows ${version}); run that one at every relay`;
    throw new Failure('StorageFailed', message);
  }
  const { by, behind, epoch, isLive, ids } = value;
  const counted = countsOf(value);
  const isWhole =
    typeof by === 'string' &&
    typeof behind === 'string' &&
    typeof epoch === 'string' &&
    typeof isLive === 'boolean' &&
    typeof ids === 'string';
  // To pass it over would be to forget what it says.
  if (!isWhole || counted === undefined) {
    throw new Failure('StorageFailed', `the channel's stream is damaged: a message says ${text.slice(0, 200)}`);
  }
  return { by, behind, epoch, isLive, ...counted, hashes: hashesOf(ids) };
}

/** Writes events as a body. */
async function encodeBody(records: readonly LogRecord[]): Promise<Uint8Array> {
  if (records.length === 0) return new Uint8Array();
  const { types, body } = encodeSegment(records);
  const text = Buffer.from(`${types}\n${body}`);
  return text.length < packedFromBytes
    ? Buffer.concat([Buffer.of(asText), text])
    : Buffer.concat([Buffer.of(asPacked), await deflate(text, { level: 1 })]);
}

/** Reads the events that a message brought. */
export function decodeBody(body: Uint8Array, { head, hashes }: CommitHead): readonly LogRecord[] {
  if (hashes.length === 0) return [];
  const written = body.subarray(1);
  const bytes = body[0] === asPacked ? inflateRawSync(written, { maxOutputLength: unpackedBytesMax }) : written;
  const lines = decoder.decode(bytes).split('\n');
  const [types, jsons] = [lines.slice(0, hashes.length), lines.slice(hashes.length)];
  return decodeSegment({ types: types.join('\n'), body: jsons.join('\n') }, head - hashes.length + 1);
}

const counts = ['generation', 'head', 'tail', 'bytes', 'published', 'duplicates', 'refused', 'at', 'size'] as const;

function countsOf(value: Readonly<Record<string, unknown>>): Pick<CommitHead, (typeof counts)[number]> | undefined {
  const of = (name: (typeof counts)[number]): number => (Number.isSafeInteger(value[name]) ? Number(value[name]) : NaN);
  const [head, tail, bytes, published] = [of('head'), of('tail'), of('bytes'), of('published')];
  const [duplicates, refused, at, size] = [of('duplicates'), of('refused'), of('at'), of('size')];
  const all = { generation: of('generation'), head, tail, bytes, published, duplicates, refused, at, size };
  return Object.values(all).some(Number.isNaN) ? undefined : all;
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function hashesOf(ids: string): readonly Hash[] {
  const bytes = Buffer.from(ids, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, index) => {
    return [bytes.readUInt32LE(index * 8), bytes.readUInt32LE(index * 8 + 4)] as const;
  });
}

/** The relays of a cluster may run on different machines. */
function littleEndian(words: Uint32Array): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32LE(word, index * 4));
  return bytes;
}
