// Which events a subscriber wants: exact types, or patterns over their dot-separated segments.
import { Failure } from '../failure.ts';

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
  assertPattern(pattern);
  if (pattern === '*' || pattern === '**') return () => true;
  if (!pattern.includes('*')) return (type) => type === pattern;
  const wanted = pattern.split('.');
  return (type) => matches(wanted, type.split('.'));
}

/** Tells whether the string asks for more than one exact type. */
export function isPattern(pattern: string): boolean {
  return pattern.includes('*');
}

function assertPattern(pattern: string): void {
  for (const segment of pattern.split('.')) {
    if (segment === '')
      throw new Failure('InvalidPattern', `the pattern ${JSON.stringify(pattern)} has an empty segment`);
    if (segment.includes('*') && segment !== '*' && segment !== '**') {
      throw new Failure(
        'InvalidPattern',
        `the pattern ${JSON.stringify(pattern)} mixes * with other characters; * stands for a whole segment`,
      );
    }
  }
}

// Backtracks to the latest `**` only, which is enough (as in file globs): no pattern makes it explode.
function matches(wanted: readonly string[], got: readonly string[]): boolean {
  let w = 0;
  let g = 0;
  let retryWanted = -1;
  let retryGot = 0;
  while (g < got.length) {
    const segment = wanted[w];
    if (segment === '**') {
      w += 1;
      retryWanted = w;
      retryGot = g;
    } else if (segment !== undefined && (segment === '*' || segment === got[g])) {
      w += 1;
      g += 1;
    } else if (retryWanted >= 0) {
      w = retryWanted;
      retryGot += 1;
      g = retryGot;
    } else return false;
  }
  while (wanted[w] === '**') w += 1;
  return w === wanted.length;
}
