// A reader's filter: patterns over event types, compiled once.
import { compilePattern } from '../event/pattern.ts';

/**
 * Compiles a reader's patterns. None means all, which is answered with undefined: such a reader is served faster.
 *
 * @throws Failure `InvalidPattern`
 */
export function compileTypes(types: readonly string[]): ((type: string) => boolean) | undefined {
  const patterns = types.map(compilePattern);
  return patterns.length === 0 ? undefined : (type) => patterns.some((matches) => matches(type));
}
