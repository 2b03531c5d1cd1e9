// What a stream carries, one frame at a time: events, and control frames that tell the reader where it stands.
import { Failure, type FailureName } from '../failure.ts';
import { decodeCloudEvent, type CloudEvent } from '../event/cloudevent.ts';

/** Why a reader's position is no longer held. */
export type GapReason = 'retention' | 'epoch';

/** Events that a reader will not get, and why. */
export interface Gap {
  /** How many; null where nobody can know, as after an epoch change. */
  readonly missed: number | null;
  readonly reason: GapReason;
}

/** A control frame: its `event:` field is the kind, its `data:` the rest as JSON. */
export type ControlFrame =
  | {
      readonly kind: 'connected';
      readonly channel: string;
      /** The newest offset that the channel holds, or the position before its first event. */
      readonly head: string;
      /** What the reader's position became: events come from behind it. */
      readonly position: string;
    }
  | (Gap & {
      readonly kind: 'gap';
      readonly channel: string;
      /** The offset of the event with which reading goes on. */
      readonly next: string;
      /** The position just before it, to resume from when nothing has come since. */
      readonly position: string;
    })
  | { readonly kind: 'dropped'; readonly channel: string; readonly dropped: Readonly<Record<string, number>> }
  /** A filter has passed events by up to here: where a reader of several channels resumes this one. */
  | { readonly kind: 'position'; readonly channel: string; readonly position: string }
  | { readonly kind: 'drain'; readonly retryAfterMs: number }
  | { readonly kind: 'refused'; readonly channel: string; readonly name: FailureName };

/** One frame of a stream. A heartbeat shows life and, where a filter passed events by, a new position. */
export type Frame =
  | ControlFrame
  | {
      readonly kind: 'event';
      readonly event: CloudEvent;
      readonly channel: string;
      readonly offset: string | null;
      /** About how large it is: the UTF-16 units of its JSON. */
      readonly size: number;
    }
  | { readonly kind: 'heartbeat' };

/** Writes an event's frame. `json` must be one line, as `JSON.stringify` writes it. */
export function encodeEventFrame(json: string, offset: string | null): string {
  return offset === null ? `data: ${json}\n\n` : `id: ${offset}\ndata: ${json}\n\n`;
}

/**
 * Writes a control frame.
 *
 * @param id where the reader stands from here on: a native EventSource resumes from it before it has seen any event
 */
export function encodeControlFrame({ kind, ...rest }: ControlFrame, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${kind}\ndata: ${JSON.stringify(rest)}\n\n`;
}

/** Writes a heartbeat: a comment, with an `id:` where a filter passed events by. A frame without data dispatches nothing. */
export function encodeHeartbeat(offset?: string): string {
  return offset === undefined ? ':\n\n' : `: \nid: ${offset}\n\n`;
}

/** What a parser of Server-Sent Events hands over. */
export interface StreamMessage {
  readonly id?: string | undefined;
  readonly event?: string | undefined;
  readonly data: string;
}

/**
 * Reads one message of a stream. A control frame of a kind not known here is answered with undefined, and passed over.
 *
 * @throws Failure `InvalidEvent` when its data is not what its kind says
 */
export function decodeFrame(message: StreamMessage): Frame | undefined {
  const data = parse(message.data);
  if (message.event === undefined) {
    const event = decodeCloudEvent(data);
    if (event.channel === undefined) throw new Failure('InvalidEvent', 'a relayed event has no channel');
    return { kind: 'event', event, channel: event.channel, offset: message.id ?? null, size: message.data.length };
  }
  const { channel, head, position, next, missed, reason, dropped, retryAfterMs, name } = isObject(data) ? data : {};
  switch (message.event) {
    case 'connected':
      if (isText(channel) && isText(head) && isText(position)) return { kind: 'connected', channel, head, position };
      break;
    case 'gap':
      if (isText(channel) && isText(next) && isText(position) && isMissed(missed) && isReason(reason)) {
        return { kind: 'gap', channel, missed, reason, next, position };
      }
      break;
    case 'dropped':
      if (isText(channel) && isCounts(dropped)) return { kind: 'dropped', channel, dropped };
      break;
    case 'position':
      if (isText(channel) && isText(position)) return { kind: 'position', channel, position };
      break;
    case 'drain':
      if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) return { kind: 'drain', retryAfterMs };
      break;
    case 'refused':
      // A name that a newer relay made up is still a refusal: whoever reads it knows what to do with the channel.
      if (isText(channel) && isText(name)) return { kind: 'refused', channel, name: name as FailureName };
      break;
    default:
      return undefined;
  }
  throw new Failure(
    'InvalidEvent',
    `a control frame "${message.event}" has the wrong members: ${message.data.slice(0, 200)}`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure('InvalidEvent', `a frame's data is not JSON: ${text.slice(0, 200)}`, { cause: error });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isMissed(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && value >= 0);
}

function isReason(value: unknown): value is GapReason {
  return value === 'retention' || value === 'epoch';
}

function isCounts(value: unknown): value is Record<string, number> {
  return isObject(value) && Object.values(value).every((count) => typeof count === 'number');
}
