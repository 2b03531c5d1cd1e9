// One bounded step of trimming: which segments go, what they took along, and where the next step goes on.
import { handlerPinMs, trimYoungMs, type Position, type Trimmed, type TrimRequest } from '../ports/store.ts';
import type { HandlerRecord } from '../ports/tasks.ts';
import { firstPosition, lastPosition, segmentAt, type StoredSegment } from './segment.ts';
import { droppedOnly, rowsOf, sumOf } from './tasks/record.ts';
import { all, one, type Answer, type Steps } from './tasks/steps.ts';

/** How far the log has been counted and trimmed: stored, since no commit of an event touches it. */
export interface TrimMark {
  /** Segments up to this one have been counted. */
  readonly counted: number;
  /** What those hold that have been counted and not trimmed. */
  readonly events: number;
  readonly bytes: number;
  /** The segment at which the next step goes on. */
  readonly next: number;
  /** The last entry that was trimmed; 0: none. */
  readonly trimmed: Position;
}

/** What trimming knows of a segment: no event is looked at. */
export type SegmentHead = Pick<StoredSegment, 'segment' | 'n' | 'bytes' | 'at' | 'out' | 'gap'>;

/** What trimming asks of a store, within one transaction. Nothing is kept unless all of it is. */
export interface TrimTable {
  mark(): Answer<TrimMark | undefined>;
  records(): Answer<readonly HandlerRecord[]>;
  /** Segments from this number on, at most `limit` (at least 1), in order. */
  segments(from: number, limit: number): Answer<readonly SegmentHead[]>;
  /** Own events of the channel up to here are confirmed. */
  sent(channel: string): Answer<Position>;
  putMark(mark: TrimMark): unknown;
  putRecord(record: HandlerRecord): unknown;
  remove(segments: readonly SegmentHead[]): unknown;
}

/** Nothing was counted, and nothing trimmed. */
export const noTrim: TrimMark = { counted: 0, events: 0, bytes: 0, next: 0, trimmed: 0 };

/** Does one step. */
export function* trim(table: TrimTable, request: TrimRequest): Steps<Trimmed> {
  const { now, segmentsMax } = request;
  const mark = (yield* one(table.mark())) ?? noTrim;
  const handlers = yield* one(table.records());
  const fresh = yield* one(table.segments(mark.counted + 1, segmentsMax));
  const left = segmentsMax - fresh.length;
  const oldest = left === 0 ? [] : yield* one(table.segments(mark.next, left));
  const channels = [...new Set(oldest.flatMap(({ out }) => out ?? []))];
  const confirmed = yield* all(channels.map((channel) => table.sent(channel)));
  const sent = new Map(channels.map((channel, index) => [channel, confirmed[index] ?? 0]));

  const isPinning = ({ definedAt }: HandlerRecord): boolean => now - definedAt < handlerPinMs;
  const pinned = handlers.filter(isPinning).reduce((least, { cursor }) => Math.min(least, cursor), Infinity);
  const held = sizeOf([mark, ...fresh.map(({ n, bytes }) => ({ events: n, bytes }))]);
  const gone: SegmentHead[] = [];
  let next = mark.next;
  // At the log's end, or before what must stay, the step after this one begins at the oldest again.
  let isMore = oldest.length === left;
  for (const segment of oldest) {
    const ageMs = now - segment.at;
    const isBeyond = ageMs > request.ageMs || held.events > request.eventsMax || held.bytes > request.bytesMax;
    // One from the future was recorded by a clock that was wrong: of its age nobody knows, and it holds up no other.
    const isYoung = ageMs < trimYoungMs && ageMs >= 0;
    if (isYoung || (!isBeyond && ageMs >= 0) || lastEntry(segment) > pinned) {
      isMore = false;
      break;
    }
    next = segment.segment + 1;
    const isUnsent = segment.out !== undefined && lastEntry(segment) > (sent.get(segment.out) ?? 0);
    if (isUnsent || ageMs < 0) continue;
    gone.push(segment);
    held.events -= segment.n;
    held.bytes -= segment.bytes;
  }

  const trimmed = sizeOf(gone.map(({ n, bytes }) => ({ events: n, bytes })));
  // What readers are told first, and the removal last: of a beginning that was committed alone, nothing was lost unsaid.
  table.putMark({
    ...held,
    counted: fresh.at(-1)?.segment ?? mark.counted,
    next: isMore ? next : 0,
    trimmed: Math.max(mark.trimmed, ...gone.map((segment) => (entriesIn(segment) === 0 ? 0 : lastEntry(segment)))),
  });
  if (gone.length > 0) {
    for (const record of handlers) if (!isPinning(record)) table.putRecord(missing(record, gone));
    table.remove(gone);
  }
  return { ...trimmed, held, more: isMore };
}

/** Whether something behind `after` was trimmed, as a run says it. */
export function trimmedBehind(mark: TrimMark | undefined, after: Position): { readonly trimmed?: true } {
  return mark !== undefined && mark.trimmed > after ? { trimmed: true } : {};
}

/** A position that the newest entry is not behind, whether it is still there or was trimmed. */
export function headOf(newest: number | undefined, mark: TrimMark | undefined): Position {
  const segment = Math.max(newest ?? 0, segmentAt(mark?.trimmed ?? 0));
  return segment === 0 ? 0 : lastPosition(segment);
}

/** The record of a handler that pinned nothing: what was still to be run of the trimmed is counted, and comes no more. */
function missing(record: HandlerRecord, gone: readonly SegmentHead[]): HandlerRecord {
  const { cursor, claimed, ended, totals } = record;
  let fresh = 0;
  let taken = 0;
  for (const segment of gone) {
    const last = lastEntry(segment);
    const behind = (position: Position): number => Math.min(segment.n, Math.max(0, last - position));
    fresh += behind(claimed);
    taken += behind(cursor) - behind(claimed);
    taken -= ended.filter((position) => position > last - segment.n && position <= last).length;
  }
  // Of those behind `claimed` only what was claimed and has no end counts, and it was counted as passed then; the others
  // were never the handler's.
  const dropped = Object.values(totals.dropped).reduce((sum, count) => sum + count, 0);
  const claims = totals.passed - totals.handled - dropped - rowsOf(record) + record.rows.cancelled;
  const lost = Math.max(0, Math.min(taken, claims));
  return { ...record, totals: sumOf(totals, droppedOnly('retention', fresh + lost, fresh)) };
}

/** The position of a segment's last entry; one before its first where it has none. */
function lastEntry(segment: SegmentHead): Position {
  return firstPosition(segment.segment) + entriesIn(segment) - 1;
}

function entriesIn({ n, gap }: SegmentHead): number {
  return gap === undefined ? n : n + 1;
}

function sizeOf(sizes: readonly Trimmed['held'][]): { events: number; bytes: number } {
  return {
    events: sizes.reduce((sum, { events }) => sum + events, 0),
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
