// append and trim, as what becomes of a channel: worked out from what a relay knows of it, and true if nobody was quicker.
import { identityOf, utf8Length, type Appended, type CloudEvent, type LogRecord, type TrimBounds } from '@godwit/core';
import { encodeRecord } from '@godwit/core/feed';
import type { Hash, IdentityHash } from '../identities/hash.ts';
import type { ChannelHead, Draft } from './head.ts';
import type { Replica, Segment } from './replica.ts';

/** An append that waits for its commit. */
export interface Job {
  readonly events: readonly CloudEvent[];
  readonly refused: number;
  resolve(outcomes: readonly Appended[]): void;
  reject(error: unknown): void;
}

/** What appends come to. */
export interface AppendDraft extends Draft {
  /** Per job. */
  readonly outcomes: readonly (readonly Appended[])[];
}

/** What an append is worked out from. */
export interface AppendParts {
  readonly name: string;
  readonly channel: ChannelHead;
  readonly replica: Replica;
  readonly hash: IdentityHash;
  /** The record of this sequence; undefined where it is no longer held. */
  readonly recordAt: (sequence: number) => Promise<LogRecord | undefined>;
  /** The most events that the channel may hold. */
  readonly eventsMax: number;
}

/** Works out what appends come to: one after the other, as one commit. */
export async function draftAppends(jobs: readonly Job[], parts: AppendParts): Promise<AppendDraft> {
  const { name, channel, replica, hash, recordAt, eventsMax } = parts;
  const records: LogRecord[] = [];
  const hashes: Hash[] = [];
  const fresh = new Map<string, number>();
  const one = async (event: CloudEvent): Promise<Appended> => {
    const identity = identityOf(event);
    const hashed = hash(identity);
    const hits = replica.find(hashed);
    const known = fresh.get(identity) ?? (hits.length === 0 ? undefined : await held(event, hits, recordAt));
    if (known !== undefined) return { status: 'duplicate', sequence: known };
    const sequence = channel.head + records.length + 1;
    fresh.set(identity, sequence);
    records.push(encodeRecord(event, name, sequence));
    hashes.push(hashed);
    return { status: 'appended', sequence };
  };
  const outcomes: (readonly Appended[])[] = [];
  let [events, refused] = [0, channel.refused];
  for (const job of jobs) {
    const its: Appended[] = [];
    // One by one: each may be a duplicate of the one before it.
    for (const event of job.events) its.push(await one(event));
    outcomes.push(its);
    events += job.events.length;
    refused += job.refused;
  }
  const size = records.reduce((sum, { json }) => sum + utf8Length(json), 0);
  const added = {
    ...channel,
    isLive: true,
    head: channel.head + records.length,
    bytes: channel.bytes + size,
    published: channel.published + records.length,
    duplicates: channel.duplicates + events - records.length,
    refused,
  };
  return { channel: withRoom(added, replica.segments, eventsMax), records, hashes, size, outcomes };
}

/** The channel without its oldest commits, as far as they are out of bounds. */
export function trimmed(channel: ChannelHead, segments: readonly Segment[], bounds: TrimBounds): ChannelHead {
  const { before, bytesMax, eventsMax = Infinity } = bounds;
  return dropped(channel, segments, ({ at, first, n }, { bytes, head }) => {
    return at < before || bytes > bytesMax || head + 1 - (first + n) >= eventsMax;
  });
}

/** An eighth at once: the table of identities is made anew now and then, and not at each event. */
function withRoom(channel: ChannelHead, segments: readonly Segment[], eventsMax: number): ChannelHead {
  if (channel.head - channel.tail < eventsMax) return channel;
  const keep = eventsMax - Math.floor(eventsMax / 8);
  return dropped(channel, segments, (_, left) => left.head - left.tail + 1 > keep);
}

function dropped(
  channel: ChannelHead,
  segments: readonly Segment[],
  drops: (segment: Segment, left: ChannelHead) => boolean,
): ChannelHead {
  let left = channel;
  for (const segment of segments) {
    if (!drops(segment, left)) break;
    left = { ...left, tail: segment.first + segment.n, bytes: left.bytes - segment.size };
  }
  return left;
}

/** Two identities may have one hash: the event itself says which it is. */
async function held(
  { source, id }: CloudEvent,
  sequences: readonly number[],
  recordAt: AppendParts['recordAt'],
): Promise<number | undefined> {
  for (const sequence of sequences) {
    const event: unknown = JSON.parse((await recordAt(sequence))?.json ?? 'null');
    if (isIdentity(event) && event.source === source && event.id === id) return sequence;
  }
  return undefined;
}

function isIdentity(value: unknown): value is { readonly source: unknown; readonly id: unknown } {
  return typeof value === 'object' && value !== null && 'source' in value && 'id' in value;
}
