// The envelope: a CloudEvent 1.0, as it is stored, sent and delivered. Past `decodeCloudEvent` its shape is believed.
import { Failure } from '../failure.ts';

/** A CloudEvent 1.0 before it is known who publishes it. Unknown extensions are kept and passed on. */
export interface Envelope<Type extends string = string, Data = unknown> {
  readonly specversion: '1.0';
  /** Any non-empty string; ours are UUIDv7 (RFC 9562). */
  readonly id: string;
  /** What happened, as `domain.action`. */
  readonly type: Type;
  /** When it was published (RFC 3339). */
  readonly time?: string;
  readonly subject?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data?: Data;
  /** Binary data in base64, instead of `data`. */
  readonly data_base64?: string;
  /** The channel it was appended to; set by the relay. */
  readonly channel?: string;
  /** The number in its offset, zero-padded; set by the relay (extension `sequence`). */
  readonly sequence?: string;
  /** W3C Trace Context of the publisher. */
  readonly traceparent?: string;
  readonly correlationid?: string;
  readonly causationid?: string;
  /** The version of the payload as it was published, a whole number from 1; without it, 1. */
  readonly dataschemaversion?: string;
  /** On a domain event, the kind of entity that it happened to, and which one. `subject` holds both, as `name/id`. */
  readonly entityname?: string;
  readonly entityid?: string;
  /** True: relayed to whoever is there, never stored. */
  readonly ephemeral?: boolean;
  readonly [extension: string]: unknown;
}

/**
 * A CloudEvent 1.0. `source` and `id` together are its identity: the same identity appended again is a duplicate.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export interface CloudEvent<Type extends string = string, Data = unknown> extends Envelope<Type, Data> {
  /** Who published it. */
  readonly source: string;
}

/** The attributes that CloudEvents itself defines, and how each must look. */
const texts = ['id', 'source', 'type', 'subject', 'datacontenttype', 'dataschema', 'time'] as const;
const required = new Set<string>(['id', 'source', 'type']);
/** CloudEvents 1.0, "Attribute Naming Convention": lower-case letters and digits. */
const attributeName = /^[a-z0-9]+$/;
/** RFC 3339, section 5.6. */
const timestamp = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Checks that `value` is a CloudEvent and returns it without attributes that are null (which the JSON format calls unset).
 *
 * @param where names the place in a batch, as `[3]`, for the message
 * @throws Failure `InvalidEvent`, saying which attribute and what was expected
 */
export function decodeCloudEvent(value: unknown, where = ''): CloudEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(where, `expected a CloudEvent object, got ${nameOf(value)}`);
  }
  // A null prototype: an attribute called `__proto__` is refused by its name below and can never set one.
  const event: Record<string, unknown> = { specversion: '1.0' };
  for (const [key, item] of Object.entries(value)) {
    if (key === 'data') event['data'] = item;
    else if (item === null) continue;
    else if (key === 'data_base64') event[key] = text(item, key, where);
    else if (!attributeName.test(key)) {
      throw refuse(where, `attribute ${JSON.stringify(key)}: names have only lower-case letters and digits`);
    } else if (typeof item === 'object') {
      throw refuse(where, `attribute "${key}": expected a string, a number or a boolean, got ${nameOf(item)}`);
    } else event[key] = item;
  }
  if (event['specversion'] !== '1.0') {
    throw refuse(where, `attribute "specversion": expected "1.0", got ${JSON.stringify(event['specversion'])}`);
  }
  if (!('specversion' in value)) throw refuse(where, 'attribute "specversion" is missing; expected "1.0"');
  for (const key of texts) {
    if (event[key] === undefined) {
      if (required.has(key)) throw refuse(where, `attribute "${key}" is missing`);
    } else if (text(event[key], key, where) === '') throw refuse(where, `attribute "${key}" is empty`);
  }
  const { time, ephemeral } = event;
  if (typeof time === 'string' && !(timestamp.test(time) && Number.isFinite(Date.parse(time)))) {
    throw refuse(where, `attribute "time": expected an RFC 3339 timestamp, got ${JSON.stringify(time)}`);
  }
  if (ephemeral !== undefined && typeof ephemeral !== 'boolean') {
    throw refuse(where, `attribute "ephemeral": expected a boolean, got ${nameOf(ephemeral)}`);
  }
  if ('data' in event && 'data_base64' in event) throw refuse(where, 'it has both "data" and "data_base64"');
  return event as CloudEvent;
}

/** A CloudEvent's identity as one string: no two identities share it, whatever characters they hold. */
export function identityOf(event: Pick<CloudEvent, 'source' | 'id'>): string {
  return `${event.source.length}:${event.source}${event.id}`;
}

function text(value: unknown, key: string, where: string): string {
  if (typeof value !== 'string') throw refuse(where, `attribute "${key}": expected a string, got ${nameOf(value)}`);
  return value;
}

function refuse(where: string, what: string): Failure {
  return new Failure(
    'InvalidEvent',
    where === '' ? what : `event ${where}: ${what}`,
    where === '' ? {} : { path: where },
  );
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
