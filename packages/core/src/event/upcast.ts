// Old payloads are lifted to the version that this release knows, one step at a time, before the schema is asked.
import { Failure, toFailure } from '../failure.ts';

/** Makes the next version's JSON of an old payload: at once, and of nothing but what it is given. */
export type Upcast = (old: unknown) => unknown;

/** The steps of a definition, by the version that each one takes: `1` makes version 2 of version 1. */
export type Upcasts = Readonly<Record<number, Upcast>>;

/**
 * Checks that a version is a whole number from 1, and that every one below it has its step, and nothing else has one.
 *
 * @throws Failure `InvalidDefinition`
 */
export function assertUpcasts(name: string, version: number, upcast: Upcasts): void {
  const steps = Object.keys(upcast);
  let known = 1;
  while (typeof upcast[known] === 'function') known += 1;
  if (known !== version || steps.length >= version) {
    throw new Failure(
      'InvalidDefinition',
      `"${name}" has version ${version} and upcasts [${steps.join()}]; a version is whole, and each below has a function`,
    );
  }
}

/**
 * Lifts a payload from one version to another. The steps work on a copy: one that changes what it is given harms nobody.
 *
 * @throws Failure `InvalidPayload`, saying which step failed
 */
export function lift(name: string, upcast: Upcasts, data: unknown, from: number, to: number): unknown {
  let lifted = from < to ? structuredClone(data) : data;
  for (let version = from; version < to; version += 1) {
    try {
      lifted = upcast[version]?.(lifted);
      // A promise of whatever house, or realm; JSON may have a `then`, too, but no function.
      if (typeof Object(lifted).then === 'function') {
        // Its answer comes too late to be used; without this line its rejection would be an unhandled one.
        Promise.resolve(lifted).catch(() => undefined);
        throw new TypeError('it is asynchronous');
      }
    } catch (error) {
      throw new Failure('InvalidPayload', `upcast[${version}] of "${name}" failed: ${toFailure(error).message}`, {
        cause: error,
      });
    }
  }
  return lifted;
}
