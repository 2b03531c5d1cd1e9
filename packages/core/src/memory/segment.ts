// One commit of the device's log, as it is kept: what every store writes, and how positions and entries are read from it.
import { Failure } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import { utf8Length } from '../event/json.ts';
import { eventsIn } from '../event/write.ts';
import type { Gap } from '../protocol/frames.ts';
import {
  positionsPerSegment,
  segmentEventsMax,
  type LogEntry,
  type MergePage,
  type OwnEvent,
  type OwnSegment,
  type Position,
} from '../ports/store.ts';

/** A segment before it has its number: one channel, one commit, one direction. */
export interface Segment {
  /** The version of this shape: 3 where the events are text, and 2 where an older release has written that. */
  readonly v: 1 | 2 | 3;
  readonly channel: string;
  readonly n: number;
  readonly bytes: number;
  readonly at: number;
  /** Or what `eventsIn` reads them from. */
  readonly events: readonly CloudEvent[] | string;
  /** The channel once more, on own segments that the relay is to get: an index holds those and no others. */
  readonly out?: string;
  /** `channel@offset` on merged segments: unique, so that a page is merged once. */
  readonly after?: string;
  /** Where reading went on behind this page. */
  readonly last?: string;
  /** The events' offsets, on merged segments. */
  readonly offsets?: readonly string[];
  /** Which of the events are our own, come back; absent where none is. */
  readonly echoes?: readonly number[];
  readonly gap?: Gap;
}

/** A page of the relay's, whose events came as objects. */
export interface PageSegment extends Segment {
  readonly events: readonly CloudEvent[];
}

/** A segment in the log. */
export interface StoredSegment extends Segment {
  /** Its number, from 1 on, in the order of the commits. */
  readonly segment: number;
}

/** The segment that a position lies in. */
export function segmentAt(position: Position): number {
  return Math.floor(position / positionsPerSegment);
}

/** The position of a segment's first entry. */
export function firstPosition(segment: number): Position {
  return segment * positionsPerSegment;
}

/** A position behind everything in a segment: who reads on from it does not read the segment again. */
export function lastPosition(segment: number): Position {
  return segment * positionsPerSegment + positionsPerSegment - 1;
}

/** What the unique index holds of a page. */
export function afterKey(channel: string, offset: string): string {
  // No channel holds an @, so no two pages share a key.
  return `${channel}@${offset}`;
}

/** Own events as they are kept. */
export function segmentOfOwn(own: OwnSegment): Segment {
  const { written } = own;
  return written === undefined
    ? { ...headOfOwn(own), events: own.events }
    : { ...headOfOwn(own), v: 3, events: written.text };
}

function eventsOf({ events }: Segment): readonly CloudEvent[] {
  return typeof events === 'string' ? eventsIn(events) : events;
}

/** All of it but the events, which it does not ask for where they come as text. */
export function headOfOwn(own: OwnSegment): Omit<Segment, 'events'> {
  const { channel, outbound, at, bytes } = own;
  const n = own.written?.n ?? own.events.length;
  assertSize(channel, n);
  return { v: 1, channel, n, bytes, at, ...(outbound ? { out: channel } : {}) };
}

/** A relay's page as it is kept. */
export function segmentOfPage({ channel, after, last, at, bytes, events, gap }: MergePage): PageSegment {
  assertSize(channel, events.length);
  const echoes = events.flatMap(({ echo }, index) => (echo ? [index] : []));
  return {
    v: 1,
    channel,
    n: events.length,
    bytes,
    at,
    events: events.map(({ event }) => event),
    after: afterKey(channel, after),
    last,
    offsets: events.map(({ offset }) => offset),
    ...(echoes.length === 0 ? {} : { echoes }),
    ...(gap === undefined ? {} : { gap }),
  };
}

/** A segment's entries in order: its gap, which lies before the page, then its events. */
export function entriesOf(stored: StoredSegment): readonly LogEntry[] {
  const { segment, channel, offsets, echoes, gap } = stored;
  const first = firstPosition(segment);
  const behindGap = gap === undefined ? first : first + 1;
  const echo = new Set(echoes);
  const entries = eventsOf(stored).map((event, index): LogEntry => ({
    kind: 'event',
    position: behindGap + index,
    channel,
    event,
    offset: offsets?.[index] ?? null,
    echo: echo.has(index),
  }));
  return gap === undefined ? entries : [{ kind: 'gap', position: first, channel, gap }, ...entries];
}

/** An own segment's events behind `after`. */
export function ownEventsOf(stored: StoredSegment, after: Position): readonly OwnEvent[] {
  const first = firstPosition(stored.segment);
  return eventsOf(stored)
    .map((event, index) => ({ position: first + index, event }))
    .filter(({ position }) => position > after);
}

/** How much of an own segment lies behind `sent`. Measured only where `sent` lies within it. */
export function pendingOf(
  segment: StoredSegment,
  sent: Position,
): { readonly pendingEvents: number; readonly pendingBytes: number } {
  if (firstPosition(segment.segment) > sent) return { pendingEvents: segment.n, pendingBytes: segment.bytes };
  const pending = ownEventsOf(segment, sent);
  const pendingBytes = pending.reduce((sum, { event }) => sum + utf8Length(JSON.stringify(event)), 0);
  return { pendingEvents: pending.length, pendingBytes };
}

function assertSize(channel: string, events: number): void {
  if (events > segmentEventsMax) {
    throw new Failure('Internal', `a segment of "${channel}" has ${events} events; it holds ${segmentEventsMax}`);
  }
}
