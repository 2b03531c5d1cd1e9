// What an application says of an event beside its payload, as attributes that every relay takes.
import { Failure } from '../failure.ts';
import type { Entity } from './entity.ts';

/** What may be said of an event. */
export interface Remarks {
  /** What an application event is about. */
  readonly subject?: string | undefined;
  /** What a domain event happened to, in place of `subject`. */
  readonly entity?: Entity | undefined;
  /** The id that all events of one story share. */
  readonly correlationId?: string | undefined;
  /** The id of the event that caused it. */
  readonly causationId?: string | undefined;
  /** W3C Trace Context of whoever publishes it, where no telemetry of the runtime's own says it. */
  readonly traceparent?: string | undefined;
}

/** The attributes that say it. */
interface Attributes {
  subject?: string | undefined;
  readonly correlationid?: string | undefined;
  readonly causationid?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly entityname?: string;
  readonly entityid?: string;
}

/**
 * The attributes, if anything was said; what was not said is undefined. The subject of a domain event is `name/id`, and `entityname` and
 * `entityid` hold the two, whatever characters they have.
 *
 * @throws Failure `InvalidEvent` for what is empty or no text, which a relay would refuse for good; when an event has an
 * entity and a subject
 */
export function attributesOf({
  subject,
  entity,
  correlationId,
  causationId,
  traceparent,
}: Remarks): Readonly<Attributes> | undefined {
  // Of most events nothing is said.
  const said = entity !== undefined || subject !== undefined || correlationId !== undefined;
  if (!said && causationId === undefined && traceparent === undefined) return undefined;
  const attributes: Attributes = {
    subject,
    correlationid: correlationId,
    causationid: causationId,
    traceparent,
    // What is missing would be left out of the JSON, and with it the half of an entity.
    ...(entity && { entityname: entity.name ?? null, entityid: entity.id ?? null }),
  };
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new Failure('InvalidEvent', `"${name}" is a text and not empty; got ${JSON.stringify(value)}`);
    }
  }
  if (entity) {
    if (subject !== undefined) {
      throw new Failure('InvalidEvent', `an event has a subject or an entity; got the subject "${subject}" as well`);
    }
    attributes.subject = `${entity.name}/${entity.id}`;
  }
  return attributes;
}
