// record: what a log keeps of an event. It is written as JSON once, when it is appended, and shared by all who read it.
import type { CloudEvent } from '../event/cloudevent.ts';
import { formatSequence } from './offset.ts';

/** An event as the log holds it: the JSON that every reader gets, with `channel` and `sequence` set. */
export interface LogRecord {
  readonly sequence: number;
  readonly type: string;
  /** One line: JSON.stringify escapes line breaks, and lone surrogates too, so it is well-formed text. */
  readonly json: string;
}

/** The record of an event that takes this sequence. */
export function encodeRecord(event: CloudEvent, channel: string, sequence: number): LogRecord {
  return { sequence, type: event.type, json: jsonOf(event, channel, formatSequence(sequence)) };
}

function jsonOf(event: CloudEvent, channel: string, sequence: string): string {
  if ('channel' in event || 'sequence' in event) return JSON.stringify({ ...event, channel, sequence });
  // As the line above would write it, in half the time: what is copied would have to be looked through a second time.
  return `${JSON.stringify(event).slice(0, -1)},"channel":${JSON.stringify(channel)},"sequence":"${sequence}"}`;
}

/** An ephemeral event as its readers get it: with a channel, and without a place in its log. */
export function ephemeralIn(channel: string, event: CloudEvent): Readonly<Record<string, unknown>> {
  // Undefined is left out of JSON: whoever published it cannot make up a sequence.
  return { ...event, channel, sequence: undefined };
}

/** A run of records as two columns of text, as databases keep them: the JSON a line each, and the types a line each. */
export interface SegmentText {
  readonly body: string;
  readonly types: string;
}

/** Writes a run of records. */
export function encodeSegment(records: readonly LogRecord[]): SegmentText {
  return {
    body: records.map(({ json }) => json).join('\n'),
    types: records.map(({ type }) => escapeText(type)).join('\n'),
  };
}

/** Reads a run of records back, which began at the sequence `first`. */
export function decodeSegment({ body, types }: SegmentText, first: number): readonly LogRecord[] {
  const names = types.split('\n');
  return body.split('\n').map((json, index) => {
    return { sequence: first + index, type: unescapeText(names[index] ?? ''), json };
  });
}

/**
 * Any text as one line of well-formed text, and no two texts alike: a database's UTF-8 makes one character of all lone
 * surrogates, so that two ids would become one.
 */
export function escapeText(text: string): string {
  return needsNoEscape.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/** What JSON writes as it is, of what people call things by: most sources, ids and types. */
const needsNoEscape = /^[ !#-[\]-~]*$/;

function unescapeText(text: string): string {
  return text.includes('\\') ? String(JSON.parse(`"${text}"`)) : text;
}
