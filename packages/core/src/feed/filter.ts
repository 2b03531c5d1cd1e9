// A reader's filter: patterns over event types and over other attributes, compiled once.
import { compileText, compileTypes } from './patterns.ts';
import type { AttributeFilter, ReadQuery } from './query.ts';

/** An event's attributes by name, beside whatever else its JSON has. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Whether a reader wants an event. Its attributes are read only where its type does not decide. */
export type Wants = (type: string, attributes: () => Attributes) => boolean;

/**
 * Compiles a reader's filter: one of its types, and of each attribute one of its values. None wants all, which is answered
 * with undefined: such a reader is served faster.
 *
 * @throws Failure `InvalidPattern`
 */
export function compileFilter({ types, attributes = [] }: Pick<ReadQuery, 'types' | 'attributes'>): Wants | undefined {
  const others = attributes.map(compileAttribute);
  if (others.length === 0 && types.length === 0) return undefined;
  const hasType = types.length === 0 ? () => true : compileTypes(types);
  if (others.length === 0) return hasType;
  return (type, read) => {
    if (!hasType(type)) return false;
    const its = read();
    return others.every((matches) => matches(its));
  };
}

/** `*` is any run of characters, as in a channel pattern. */
function compileAttribute({ name, values }: AttributeFilter): (attributes: Attributes) => boolean {
  const patterns = values.map(compileText);
  return (attributes) => {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (patterns.length === 0) return value === undefined;
    // What is not there matches nothing, not even `*`. Numbers and booleans are as their JSON writes them.
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
    const text = String(value);
    return patterns.some((matches) => matches(text));
  };
}

/** The attributes of an event that is held as JSON. */
export function readAttributes(json: string): Attributes {
  const event: unknown = JSON.parse(json);
  return typeof event === 'object' && event !== null ? { ...event, data: undefined } : {};
}
