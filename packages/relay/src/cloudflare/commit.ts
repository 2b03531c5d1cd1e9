// append: tells what is new and what the log already holds, and writes it.
import { Failure, identityOf, utf8Length, type Appended, type CloudEvent, type TrimBounds } from '@godwit/core';
import { encodeRecord, type LogRecord } from '@godwit/core/protocol';
import type { IdentityHash } from '../identities/hash.ts';
import type { Identities } from '../identities/identities.ts';
import { divide, rowBytes, rowBytesMax, type Draft } from './segment.ts';
import type { ChannelRow, SegmentSize, Tables } from './tables.ts';

/** What a commit came to. */
export interface Commit {
  readonly row: ChannelRow;
  readonly drafts: readonly Draft[];
  /** Per event. */
  readonly outcomes: readonly Appended[];
}

/** What a commit works with. */
export interface CommitParts {
  readonly tables: Tables;
  readonly row: ChannelRow;
  readonly identities: Identities;
  readonly hash: IdentityHash;
  readonly at: number;
  /** The most events that the channel may hold. */
  readonly eventsMax: number;
}

/** Writes an append: the channel's row and, where something is new, a segment. Runs inside a transaction. */
export function commit(events: readonly CloudEvent[], refused: number, parts: CommitParts): Commit {
  const { tables, row, at, eventsMax } = parts;
  const { drafts, outcomes } = draft(events, parts);
  for (const segment of divide(drafts)) tables.insert(segment, at);
  const added = {
    ...row,
    head: row.head + drafts.length,
    bytes: row.bytes + drafts.reduce((sum, { bytes }) => sum + bytes, 0),
    published: row.published + drafts.length,
    duplicates: row.duplicates + events.length - drafts.length,
    refused: row.refused + refused,
  };
  const next = added.head - added.tail + 1 > eventsMax ? makeRoom(tables, added, eventsMax) : added;
  tables.update(next);
  return { row: next, drafts, outcomes };
}

/** Segments dropped in one transaction: between two, appends have their turn. */
const segmentsAtOnce = 500;

/** Drops some of the segments beyond the bounds. Runs inside a transaction. */
export function trim(tables: Tables, row: ChannelRow, bounds: TrimBounds): { readonly row: ChannelRow } {
  const { before, bytesMax, eventsMax = Infinity } = bounds;
  let dropped = 0;
  const left = dropSegments(tables, row, ({ at, first, n }, { bytes, head }) => {
    const isBeyond = at < before || bytes > bytesMax || head + 1 - (first + n) >= eventsMax;
    return isBeyond && (dropped += 1) <= segmentsAtOnce;
  });
  if (left.tail > row.tail) tables.update(left);
  return { row: left };
}

/** An eighth at once: the table of identities is rebuilt now and then, and not at each event. */
function makeRoom(tables: Tables, row: ChannelRow, eventsMax: number): ChannelRow {
  const keep = eventsMax - Math.floor(eventsMax / 8);
  return dropSegments(tables, row, (_, left) => left.head - left.tail + 1 > keep);
}

/** Drops segments from the oldest on, as long as `drops` says so of the next. The channel's row is the caller's to write. */
function dropSegments(
  tables: Tables,
  row: ChannelRow,
  drops: (segment: SegmentSize, left: ChannelRow) => boolean,
): ChannelRow {
  let left = row;
  for (const segment of tables.sizes()) {
    if (!drops(segment, left)) break;
    left = { ...left, tail: segment.first + segment.n, bytes: left.bytes - segment.bytes };
  }
  if (left.tail > row.tail) tables.dropBefore(left.tail);
  return left;
}

function draft(events: readonly CloudEvent[], parts: CommitParts): Pick<Commit, 'drafts' | 'outcomes'> {
  const { row, hash } = parts;
  const drafts: Draft[] = [];
  const fresh = new Map<string, number>();
  const find = createFinder(parts);
  const one = (event: CloudEvent): Appended => {
    const identity = identityOf(event);
    const hashed = hash(identity);
    const known = fresh.get(identity) ?? find(event, parts.identities.find(hashed));
    if (known !== undefined) return { status: 'duplicate', sequence: known };
    const sequence = row.head + drafts.length + 1;
    const record = encodeRecord(event, row.name, sequence);
    const draft = { record, hash: hashed, bytes: utf8Length(record.json) };
    // Said here: locally a larger row is stored, and only deployed it is not.
    if (rowBytes(draft) > rowBytesMax) throw tooLarge(draft);
    fresh.set(identity, sequence);
    drafts.push(draft);
    return { status: 'appended', sequence };
  };
  return { outcomes: events.map(one), drafts };
}

/** Confirms a hit of the hash in the segment itself. A batch that is sent again hits the same segment a thousand times. */
function createFinder({ tables }: CommitParts): (event: CloudEvent, hits: readonly number[]) => number | undefined {
  let segment: readonly LogRecord[] = [];
  const recordAt = (sequence: number): LogRecord | undefined => {
    const first = segment[0]?.sequence ?? 0;
    if (first === 0 || sequence < first || sequence >= first + segment.length) {
      [segment = []] = tables.segments(sequence);
    }
    return segment[sequence - (segment[0]?.sequence ?? 0)];
  };
  return ({ source, id }, hits) =>
    hits.find((sequence) => {
      const held: unknown = JSON.parse(recordAt(sequence)?.json ?? 'null');
      return isIdentity(held) && held.source === source && held.id === id;
    });
}

function isIdentity(value: unknown): value is { readonly source: unknown; readonly id: unknown } {
  return typeof value === 'object' && value !== null && 'source' in value && 'id' in value;
}

function tooLarge({ bytes }: Draft): Failure {
  return new Failure(
    'StorageFailed',
    `an event has ${bytes} bytes, and no row of a Durable Object holds more than 2 MB; lower \`eventBytesMax\``,
  );
}
