// Offsets: a relay's positions in a channel, opaque to clients. `epoch.sequence`, zero-padded, so that they grow as text.
import { Failure } from '../failure.ts';
import type { Gap } from './frames.ts';

/** A place in a channel's log, from which reading goes on behind. */
export type LogPosition =
  | 'earliest'
  | 'latest'
  /** `sequence` counts from 1 within an epoch; 0 is before the first event. */
  | { readonly epoch: string; readonly sequence: number };

/** Enough for a million events a second for three centuries. */
const sequenceDigits = 16;
/** 64 characters in all: 47 of the epoch, the dot and the sequence. */
const offsetShape = /^([A-Za-z0-9_-]{1,47})\.(\d{16})$/;

/** A sequence as an event carries it: zero-padded, so that it sorts as text. */
export function formatSequence(sequence: number): string {
  return String(sequence).padStart(sequenceDigits, '0');
}

/** The offset of an event, or of the position before the first (sequence 0). */
export function formatOffset(epoch: string, sequence: number): string {
  return `${epoch}.${formatSequence(sequence)}`;
}

/**
 * Reads an offset back.
 *
 * @throws Failure `InvalidOffset` when it is not of our shape; that the log still holds it is another question
 */
export function parseOffset(text: string): { readonly epoch: string; readonly sequence: number } {
  const [, epoch, digits] = offsetShape.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) {
    const shown = JSON.stringify(text.slice(0, 80));
    throw new Failure('InvalidOffset', `expected an offset as the relay gave it, "earliest" or "latest"; got ${shown}`);
  }
  return { epoch, sequence: Number(digits) };
}

/**
 * Reads a position: an offset, `earliest` or `latest`.
 *
 * @throws Failure `InvalidOffset`
 */
export function parsePosition(text: string): LogPosition {
  return text === 'earliest' || text === 'latest' ? text : parseOffset(text);
}

/**
 * A new log's epoch, from a UUIDv7: short, since every event carries it, and later ones sort later. Its time, and
 * 32 bits against another log that began in the same millisecond: what one process counts in it, and what it has drawn.
 */
export function epochOf(id: string): string {
  const digits = id.replaceAll('-', '');
  // The time, what is counted within a millisecond, and what another process would have drawn in it.
  return digits.slice(0, 12) + digits.slice(19, 22) + digits.slice(-5);
}

/** Where a log stands. */
export interface LogExtent {
  readonly epoch: string;
  /** The newest sequence; 0 where there is none. */
  readonly head: number;
  /** The oldest sequence held; `head + 1` where none is. */
  readonly tail: number;
}

/**
 * Where reading goes on from a position, and what lies between where that is no longer held. A position of another epoch
 * is a gap of unknown size; so is one beyond the head, which only a log that lost its newest events can meet.
 */
export function resolvePosition(
  position: LogPosition,
  { epoch, head, tail }: LogExtent,
): { readonly after: number; readonly gap?: Gap } {
  const beforeEarliest = tail - 1;
  if (position === 'latest') return { after: head };
  if (position === 'earliest') return { after: beforeEarliest };
  if (position.epoch !== epoch || position.sequence > head) {
    return { after: beforeEarliest, gap: { missed: null, reason: 'epoch' } };
  }
  if (position.sequence < beforeEarliest) {
    return { after: beforeEarliest, gap: { missed: beforeEarliest - position.sequence, reason: 'retention' } };
  }
  return { after: position.sequence };
}
