// What a dispatcher dispatches, checked by the definitions of its events.
import type { EventDefinition, EventDefinitions } from '../event/define.ts';
import { isPattern } from '../event/pattern.ts';
import { validate } from '../event/schema.ts';
import { Failure } from '../failure.ts';
import type { Check } from './contract.ts';

/**
 * The check of a dispatcher whose events are these.
 *
 * @example
 * ```ts
 * const shop = createDispatcher({ check: checkedBy(defineEvents({ 'order.placed': v.object({ total: v.number() }) })) });
 * ```
 * @throws Failure `UnknownEvent`, also where it is listened for, and `InvalidPayload`: the check, not this
 */
export function checkedBy<const Events extends EventDefinitions>(events: Events): Check<Events> {
  const known = (type: string): EventDefinition => {
    const definition = Object.hasOwn(events, type) ? events[type] : undefined;
    if (!definition) throw new Failure('UnknownEvent', `"${type}" is not among the events that this dispatcher knows`);
    return definition;
  };
  const check = (type: string, data: unknown): unknown => validate(known(type).schema, data, type);
  return Object.assign(check, { hears: (pattern: string) => void (isPattern(pattern) || known(pattern)) });
}
