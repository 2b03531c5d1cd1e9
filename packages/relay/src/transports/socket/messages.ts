// A socket's messages: a stream's frames with their fields as members of JSON, and what a client may say.
import { Failure, toFailure } from '@godwit/core';
import { problemOf, type AppendResult } from '@godwit/core/protocol';
import { decodeJsonText } from '../../body.ts';
import type { Parsed } from '../../numbers.ts';
import { sayable } from '../../problem.ts';

/** By what a client knows the answer to a message of its own. */
export type Ref = string | number;

/** What a client says. */
export type ClientMessage =
  | { readonly event: 'ping'; readonly ref: Ref | undefined }
  | { readonly event: 'publish'; readonly ref: Ref | undefined; readonly events: Parsed };

/** Longer than any id, and too short to be worth sending for its own sake. */
const refLengthMax = 128;

/** Turns whole frames into messages, one each. */
export type Transcode = (frames: Uint8Array) => readonly string[];

/** Makes it. A thousand sockets that stand at one place are sent the same frames in a row: those are turned once. */
export function createTranscode(): Transcode {
  const decoder = new TextDecoder();
  let last: { readonly frames: Uint8Array; readonly messages: readonly string[] } | undefined;
  return (frames) => {
    if (last?.frames !== frames) {
      const blocks = decoder.decode(frames).split('\n\n');
      last = { frames, messages: blocks.flatMap((block) => (block === '' ? [] : [messageOf(block)])) };
    }
    return last.messages;
  };
}

/** The fields are JSON already, or of an alphabet that JSON escapes nothing of. */
function messageOf(frame: string): string {
  const members: string[] = [];
  let isEvent = false;
  let kind = 'heartbeat';
  for (const line of frame.split('\n')) {
    if (line.startsWith('id: ')) members.push(`"id":"${line.slice(4)}"`);
    else if (line.startsWith('event: ')) kind = line.slice(7);
    else if (line.startsWith('data: ')) {
      isEvent = kind === 'heartbeat';
      members.push(`"data":${line.slice(6)}`);
    }
  }
  if (!isEvent) members.unshift(`"event":"${kind}"`);
  return `{${members.join(',')}}`;
}

/** Whether a message is of this kind. */
export function isMessage(text: string, kind: 'drain' | 'dropped'): boolean {
  return text.startsWith(`{"event":"${kind}"`);
}

/**
 * Reads what a client says.
 *
 * @throws Failure `InvalidRequest`, or `InvalidEvent` for what is no JSON
 */
export function readMessage(text: string): ClientMessage {
  const { value, hasUnkept } = decodeJsonText(text, 'the message');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Failure('InvalidRequest', 'a message is a JSON object, as {"event":"publish","ref":1,"data":[…]}');
  }
  const event = own(value, 'event');
  const ref = refIn(value);
  if (event === 'ping') return { event, ref };
  if (event === 'publish') return { event, ref, events: { value: own(value, 'data'), hasUnkept } };
  const shown = JSON.stringify(event)?.slice(0, 40) ?? 'none';
  throw new Failure('InvalidRequest', `a message's "event" is "publish" or "ping"; got ${shown}`);
}

/** The `ref` of a message that could not be read, where it has one: its client waits for an answer. */
export function refOf(text: string): Ref | undefined {
  try {
    const { value } = decodeJsonText(text, 'the message');
    return typeof value === 'object' && value !== null ? refIn(value) : undefined;
  } catch {
    return undefined;
  }
}

function refIn(message: object): Ref | undefined {
  const ref = own(message, 'ref');
  if (ref === undefined || (typeof ref === 'number' && Number.isFinite(ref))) return ref;
  if (typeof ref === 'string' && ref.length <= refLengthMax) return ref;
  throw new Failure('InvalidRequest', `"ref" is a number, or text of at most ${refLengthMax} characters`);
}

function own(message: object, member: string): unknown {
  return Object.hasOwn(message, member) ? Reflect.get(message, member) : undefined;
}

/** The answer to a publish. */
export function resultsMessage(ref: Ref | undefined, results: readonly AppendResult[]): string {
  return JSON.stringify({ event: 'results', ref, data: { results } });
}

/** The answer to a ping. */
export function pongMessage(ref: Ref | undefined): string {
  return JSON.stringify({ event: 'pong', ref });
}

/** The answer to what could not be done: problem details, as rule 8 has them, and after how long it may be tried again. */
export function failureMessage(ref: Ref | undefined, error: unknown): string {
  const { retryAfterMs } = toFailure(error).details;
  return JSON.stringify({ event: 'failure', ref, data: { ...problemOf(sayable(error)), retryAfterMs } });
}
