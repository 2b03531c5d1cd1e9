// A definition names an event and its payload. It is the one place where an event's type is written down.
import { Failure } from '../failure.ts';
import type { InputOf, OutputOf, Schema } from './schema.ts';
import { assertUpcasts, type Upcasts } from './upcast.ts';

/** An event's name and payload: `Input` is what a publisher hands in, `Output` what a handler gets. */
export interface EventDefinition<Name extends string = string, Input = unknown, Output = Input> {
  readonly name: Name;
  readonly schema: Schema<Input, Output>;
  /** The channel it is published to, where `publish` names none. */
  readonly channel?: string;
  /** The version of the payload, a whole number from 1. Without one, events carry none, and are of version 1. */
  readonly version?: number;
  /** How payloads of every older version are lifted, a step each. */
  readonly upcast?: Upcasts;
}

/** Definitions by their names: what a runtime is made with. */
export type EventDefinitions = Readonly<Record<string, EventDefinition<string, unknown, unknown>>>;

/** The names that `Events` defines. */
export type EventName<Events> = Extract<keyof Events, string>;

/** The payload that publishing `Name` takes. */
export type EventInput<Events, Name extends keyof Events> =
  Events[Name] extends EventDefinition<string, infer Input, infer _Output> ? Input : never;

/** The payload that a handler of `Name` gets. */
export type EventOutput<Events, Name extends keyof Events> =
  Events[Name] extends EventDefinition<string, infer _Input, infer Output> ? Output : never;

/**
 * Defines one event. Where its payload has changed since an earlier release, `version` says which it is now, and `upcast`
 * makes the next version of each older one, synchronously: what is stored, or comes from an older release, is lifted when
 * it is read, and then validated.
 *
 * @throws Failure `InvalidDefinition` when the name is empty, has an empty segment, or holds `*`; when the version is no
 * whole number from 1, or `upcast` is not one function for each version below it
 * @example
 * ```ts
 * const TodoAdded = defineEvent('todo.added', {
 *   version: 2,
 *   schema: v.object({ title: v.string(), done: v.boolean() }),
 *   upcast: { 1: (old) => ({ ...v.parse(v.object({ title: v.string() }), old), done: false }) },
 * });
 * ```
 */
export function defineEvent<const Name extends string, S extends Schema<unknown, unknown>>(
  name: Name,
  options: Pick<EventDefinition, 'channel' | 'version' | 'upcast'> & { readonly schema: S },
): EventDefinition<Name, InputOf<S>, OutputOf<S>> {
  assertName(name);
  if (typeof options?.schema?.['~standard']?.validate !== 'function') {
    throw new Failure(
      'InvalidDefinition',
      `the schema of "${name}" is no Standard Schema validator; see payload<T>() for none`,
    );
  }
  assertUpcasts(name, options.version ?? 1, options.upcast ?? {});
  return Object.freeze({ name, ...options }) as EventDefinition<Name, InputOf<S>, OutputOf<S>>;
}

/**
 * Defines several events at once: from schemas, or from definitions made elsewhere.
 *
 * @throws Failure `InvalidDefinition` as `defineEvent`; when a definition stands under another name's key, or nothing is handed in
 * @example
 * ```ts
 * const events = defineEvents({
 *   'todo.added': v.object({ title: v.string() }),
 *   'todo.done': payload<{ id: string }>(),
 * });
 * ```
 */
export function defineEvents<
  const Parts extends Readonly<Record<string, Schema<unknown, unknown> | EventDefinition<string, unknown, unknown>>>,
>(parts: Parts): { readonly [Name in Extract<keyof Parts, string>]: DefinitionOf<Name, Parts[Name]> } {
  const definitions: Record<string, unknown> = {};
  // What a module that is still being loaded exports is undefined.
  if (Object(parts) !== parts) throw new Failure('InvalidDefinition', `events are an object; got ${typeof parts}`);
  for (const [name, part] of Object.entries(parts)) {
    if (part && typeof part === 'object' && 'name' in part && 'schema' in part) {
      if (part.name !== name) {
        throw new Failure('InvalidDefinition', `the definition of "${part.name}" stands under the key "${name}"`);
      }
      definitions[name] = part;
    } else definitions[name] = defineEvent(name, { schema: part });
  }
  return Object.freeze(definitions) as {
    readonly [Name in Extract<keyof Parts, string>]: DefinitionOf<Name, Parts[Name]>;
  };
}

/** The definition that `defineEvents` makes of one of its parts. */
export type DefinitionOf<Name extends string, Part> =
  Part extends EventDefinition<string, infer Input, infer Output>
    ? EventDefinition<Name, Input, Output>
    : EventDefinition<Name, InputOf<Part>, OutputOf<Part>>;

function assertName(name: string): void {
  if (typeof name !== 'string' || name.split('.').some((segment) => segment === '' || segment.includes('*'))) {
    throw new Failure(
      'InvalidDefinition',
      `a name is like "order.placed": no empty segment and no *; got ${JSON.stringify(name)}`,
    );
  }
}
