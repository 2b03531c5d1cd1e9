// Names as `domain.action`: advice for development, never an error.
import { rememberedMax } from './limits.ts';

/** Words that look like domains in other houses' styles are fine; what is advised against breaks patterns like `order.*`. */
const segment = /^[a-z][a-z0-9_-]*$/;

/**
 * What could be better about an event's name; undefined when it is like `order.placed`.
 *
 * @example
 * ```ts
 * nameAdvice('orderPlaced'); // '"orderPlaced" has no domain; …'
 * ```
 */
export function nameAdvice(name: string): string | undefined {
  const parts = name.split('.');
  if (parts.length < 2) return `"${name}" has no domain; a name like "order.placed" can be heard by "order.*"`;
  const odd = parts.find((part) => !segment.test(part));
  return odd === undefined
    ? undefined
    : `"${name}": write "${odd}" in lower-case letters, digits, _ and -, as in "order.placed"`;
}

/**
 * A handler for development, that hears everything: it warns once of each type whose name could be better.
 *
 * @example
 * ```ts
 * dispatcher.on('**', adviseNames(console.warn));
 * ```
 */
export function adviseNames(warn: (advice: string) => void): (data: unknown, call: { readonly type: string }) => void {
  const warned = new Set<string>();
  return (_, { type }) => {
    const advice = nameAdvice(type);
    if (!advice || warned.has(type) || warned.size >= rememberedMax) return;
    warned.add(type);
    warn(advice);
  };
}
