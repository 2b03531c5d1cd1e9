// Which events a subscriber wants: exact types, or patterns over their dot-separated segments.
import { Failure } from '../failure.ts';

/** Segments between dots: names, `*` or `**`. */
const shape = /^(\*\*?|[^.*]+)(\.(\*\*?|[^.*]+))*$/;

/**
 * Compiles a pattern over event types. `*` stands for one segment, `**` for any number of them, also none;
 * a pattern that is only `*` means every type, as it does in other emitters.
 *
 * @example
 * ```ts
 * compilePattern('order.*')('order.placed'); // true
 * compilePattern('order.*')('order.item.added'); // false
 * compilePattern('order.**')('order.item.added'); // true
 * ```
 * @throws Failure `InvalidPattern` when a segment is empty or mixes `*` with other characters
 */
export function compilePattern(pattern: string): (type: string) => boolean {
  if (!shape.test(pattern)) throw refused(pattern);
  if (!isPattern(pattern)) return (type) => type === pattern;
  const wanted = (pattern === '*' ? '**' : pattern).split('.');
  return (type) => matches(wanted, type.split('.'));
}

/** Tells whether the string asks for more than one exact type. */
export function isPattern(pattern: string): boolean {
  return pattern.includes('*');
}

/**
 * Refuses what cannot be the name of an event.
 *
 * @throws Failure `InvalidPattern` when a segment is empty or holds `*`
 */
export function assertEventName(name: string): void {
  if (isPattern(name) || !shape.test(name)) throw refused(name);
}

function refused(text: string): Failure {
  return new Failure('InvalidPattern', `"${text}" is no name or pattern like order.placed or order.*`);
}

// Backtracks to the latest `**` only, which is enough (as in file globs): no pattern makes it explode.
function matches(wanted: readonly string[], got: readonly string[]): boolean {
  let w = 0;
  let g = 0;
  // Where to go on after the latest `**`, if there was one, and what it has passed over.
  let retryWanted = 0;
  let retryGot = 0;
  while (g < got.length) {
    const segment = wanted[w];
    if (segment === '**') {
      retryWanted = w += 1;
      retryGot = g;
    } else if (segment === '*' || segment === got[g]) {
      w += 1;
      g += 1;
    } else if (retryWanted > 0) {
      w = retryWanted;
      g = retryGot += 1;
    } else return false;
  }
  while (wanted[w] === '**') w += 1;
  return w === wanted.length;
}
