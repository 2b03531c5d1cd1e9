// A family is one kind of webhook with its actions: one schema, and an event for each action.
import type { Schema } from '@godwit/core';
import * as v from 'valibot';
import type { Telling } from './telling.ts';

/** One kind of webhook. */
export interface Family<Name extends string, Action extends string, Keep extends v.GenericSchema> {
  /** GitHub's name for it, as `issues`. */
  readonly name: Name;
  /** What can happen; empty where GitHub names no action. */
  readonly actions: readonly Action[];
  /** The part of GitHub's payload that we publish. */
  readonly keep: Keep;
  /** The same as a sentence. */
  readonly tell: (payload: v.InferOutput<Keep>, action: Action) => Telling;
}

/** The event's name: `github.issues.opened`, or `github.push` where there is no action. */
type NameOf<Name extends string, Action extends string> = [Action] extends [never]
  ? `github.${Name}`
  : `github.${Name}.${Action}`;

/** A family, checked against itself: `tell` gets what `keep` keeps. */
export function family<const Name extends string, const Action extends string, Keep extends v.GenericSchema>(
  parts: Family<Name, Action, Keep>,
): Family<Name, Action, Keep> {
  return parts;
}

/** What a family's events are. */
export type SchemasOf<Name extends string, Action extends string, Keep extends v.GenericSchema> = {
  readonly [Key in NameOf<Name, Action>]: Schema<v.InferInput<Keep>, Telling>;
};

/** The family's schemas by event name. A publisher hands in GitHub's JSON; a handler gets a sentence. */
export function schemasOf<Name extends string, Action extends string, Keep extends v.GenericSchema>({
  name,
  actions,
  keep,
  tell,
}: Family<Name, Action, Keep>): SchemasOf<Name, Action, Keep> {
  const schemaOf = (action: Action): Schema<v.InferInput<Keep>, Telling> =>
    v.pipe(
      keep,
      v.transform((payload: v.InferOutput<Keep>) => tell(payload, action)),
    );
  const schemas: Record<string, Schema<v.InferInput<Keep>, Telling>> = {};
  for (const action of actions) schemas[`github.${name}.${action}`] = schemaOf(action);
  // Without actions, `Action` is never, and `tell` looks at none.
  if (actions.length === 0) schemas[`github.${name}`] = schemaOf('' as Action);
  return schemas as SchemasOf<Name, Action, Keep>;
}
