// The newest end of a channel in memory, framed once and shared: a reader is served one slice from its place onwards.
import type { LogRecord } from '../ports/log.ts';
import { encodeEventFrame } from '../protocol/frames.ts';
import { formatOffset } from '../protocol/offset.ts';
import { readAttributes, type Attributes, type Wants } from './filter.ts';

/** A quiet channel holds one small block; a busy one grows to blocks of which a socket takes one at a time. */
const blockBytesMin = 4 * 1024;
const blockBytesMax = 64 * 1024;

/** A run of frames in one piece of memory. It is only ever written behind what readers have been given. */
interface Block {
  readonly bytes: Uint8Array;
  /** The sequence of its first record. */
  readonly first: number;
  readonly types: string[];
  /** Where each record's frame ends. */
  readonly ends: number[];
  /** The records' attributes, as far as some reader's filter has asked for them: read once, and shared. */
  readonly attributes: (Attributes | undefined)[];
}

/** What lies behind a reader's cursor. */
export interface Slice {
  /** Frames that the reader wants; undefined where its filter passed all of them by. */
  readonly bytes?: Uint8Array;
  /** The sequence that the reader has moved to. */
  readonly last: number;
  readonly delivered: number;
  readonly filtered: number;
}

/** The frames of a channel's newest records. */
export interface Ring {
  /** Takes records that have just been committed. They follow on what it holds, or it begins anew with them. */
  push(epoch: string, records: readonly LogRecord[]): void;
  /** The next run behind `after`, up to `upTo`; undefined where it is no longer held. */
  slice(after: number, upTo: number, wants: Wants | undefined): Slice | undefined;
  clear(): void;
}

const encoder = new TextEncoder();

/** Makes a ring that holds about `bytesMax` bytes: the newest block always stays. */
export function createRing(bytesMax: number): Ring {
  let blocks: Block[] = [];
  let capacity = 0;
  let nextSequence = 0;
  // A thousand readers that stand at one place ask the same question in a row, and get the same view of the same memory.
  let shared: { after: number; upTo: number; wants: Wants | undefined; slice: Slice } | undefined;

  return {
    push(epoch, records) {
      for (const { sequence, type, json } of records) {
        if (sequence !== nextSequence) clear();
        nextSequence = sequence + 1;
        const frame = encoder.encode(encodeEventFrame(json, formatOffset(epoch, sequence)));
        const block = blockFor(frame.length, sequence);
        const begin = block.ends.at(-1) ?? 0;
        block.bytes.set(frame, begin);
        block.ends.push(begin + frame.length);
        block.types.push(type);
      }
      while (capacity > bytesMax && blocks.length > 1) capacity -= blocks.shift()?.bytes.length ?? 0;
    },
    slice(after, upTo, wants) {
      if (shared?.after === after && shared.upTo === upTo && shared.wants === wants) return shared.slice;
      // From the end: most readers are near the head.
      const block = blocks.findLast(({ first }) => first <= after + 1);
      if (block === undefined || after + 1 >= block.first + block.types.length) return undefined;
      const slice = sliceOf(block, after + 1 - block.first, upTo, wants);
      shared = { after, upTo, wants, slice };
      return slice;
    },
    clear,
  };

  function clear(): void {
    blocks = [];
    capacity = 0;
    shared = undefined;
  }

  function blockFor(size: number, sequence: number): Block {
    const newest = blocks.at(-1);
    if (newest !== undefined && (newest.ends.at(-1) ?? 0) + size <= newest.bytes.length) return newest;
    const roomy = Math.min(blockBytesMax, Math.max(blockBytesMin, capacity));
    const block = {
      bytes: new Uint8Array(Math.max(size, roomy)),
      first: sequence,
      types: [],
      ends: [],
      attributes: [],
    };
    blocks.push(block);
    capacity += block.bytes.length;
    return block;
  }
}

function sliceOf(block: Block, index: number, upTo: number, wants: Wants | undefined): Slice {
  const end = Math.min(block.types.length, upTo - block.first + 1);
  let at = index;
  const attributes = (): Attributes => attributesOf(block, at);
  const isWanted = (): boolean => wants === undefined || wants(block.types[at] ?? '', attributes);
  while (at < end && !isWanted()) at += 1;
  const from = at;
  if (wants === undefined) at = end;
  else while (at < end && isWanted()) at += 1;
  const to = at;
  const moved = { last: block.first + to - 1, delivered: to - from, filtered: from - index };
  if (to === from) return moved;
  return { ...moved, bytes: block.bytes.subarray(block.ends[from - 1] ?? 0, block.ends[to - 1]) };
}

const decoder = new TextDecoder();
const dataStart = '\ndata: ';

function attributesOf(block: Block, index: number): Attributes {
  const known = block.attributes[index];
  if (known !== undefined) return known;
  const frame = decoder.decode(block.bytes.subarray(block.ends[index - 1] ?? 0, block.ends[index]));
  const read = readAttributes(frame.slice(frame.indexOf(dataStart) + dataStart.length));
  block.attributes[index] = read;
  return read;
}
