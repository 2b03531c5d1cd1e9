// How the built-in definitions are made: typed, and not checked beyond that.
import { defineEvent, type EventDefinition } from '../../event/define.ts';
import { payload } from '../../event/schema.ts';

/** Defines one. */
export function builtin<Name extends string, Data>(name: Name): EventDefinition<Name, Data> {
  return defineEvent(name, { schema: payload<Data>() });
}
