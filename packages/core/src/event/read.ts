// What every reader does with an event that was stored or has arrived: whether this release can read it, and what it says.
import { Failure, toFailure } from '../failure.ts';
import type { EventDefinition } from './define.ts';
import { validate } from './schema.ts';
import { lift } from './upcast.ts';

/** What became of reading an event. */
export type EventReading =
  /** Its payload, lifted and validated. */
  | { readonly kind: 'event'; readonly data: unknown }
  /** A later release may be able to: the event is of a `newer` version, or of a type that is `unknown` here. */
  | { readonly kind: 'deferred'; readonly why: 'newer' | 'unknown'; readonly failure: Failure }
  /** Its payload breaks its schema or an upcast, or nobody can say of which version it is. */
  | { readonly kind: 'invalid'; readonly failure: Failure };

/** What is read of an event. */
interface Arrived {
  readonly type: string;
  readonly data?: unknown;
  /** A stranger may have written anything. */
  readonly dataschemaversion?: unknown;
}

/** Up to here every whole number is exact. */
const versionFormat = /^[1-9]\d{0,14}$/;

/**
 * Reads an event: lifts its payload to the version that this release knows, and validates it. An event that names no
 * version is of version 1. Never throws.
 */
export function readEvent(
  definitions: ReadonlyMap<string, EventDefinition<string, unknown, unknown>>,
  { type, data, dataschemaversion = '1' }: Arrived,
): EventReading {
  const definition = definitions.get(type);
  if (definition === undefined) return deferred('unknown', `"${type}" is not among the events of this release`);
  const { version = 1, upcast = {}, schema } = definition;
  try {
    // As a number it is just as clear.
    if (!versionFormat.test(String(dataschemaversion))) {
      throw new Failure(
        'InvalidEvent',
        `the dataschemaversion of "${type}" must be a whole number from 1, as "2"; got ${JSON.stringify(dataschemaversion)}`,
      );
    }
    const written = Number(dataschemaversion);
    if (written > version) {
      return deferred('newer', `"${type}" is of version ${written}, and this release knows version ${version}`);
    }
    return { kind: 'event', data: validate(schema, lift(type, upcast, data, written, version), type) };
  } catch (error) {
    return { kind: 'invalid', failure: toFailure(error, 'InvalidPayload') };
  }
}

function deferred(why: 'newer' | 'unknown', message: string): EventReading {
  return { kind: 'deferred', why, failure: new Failure('UnknownEvent', message) };
}
