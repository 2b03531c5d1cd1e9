// What a request's query says, checked.
import { compilePattern, Failure } from '@godwit/core';

/**
 * Reads a number from the query.
 *
 * @throws Failure `InvalidRequest`
 */
export function numberOf(
  query: URLSearchParams,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly byDefault: number; readonly isWhole: boolean },
): number {
  const text = query.get(name);
  if (text === null || text === '') return bounds.byDefault;
  const number = Number(text);
  const isNumber = bounds.isWhole ? /^\d{1,9}$/.test(text) : /^\d{1,9}(\.\d{1,9})?$/.test(text);
  if (isNumber && number >= bounds.min && number <= bounds.max) return number;
  const kind = bounds.isWhole ? 'a whole number' : 'a number';
  throw new Failure(
    'InvalidRequest',
    `?${name}= is ${kind} from ${bounds.min} to ${bounds.max}; got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

/** Patterns longer or more than this cost every event more than any reader needs. */
const patternsMax = 100;
const patternLengthMax = 256;

/**
 * Reads `?type=`, which may be repeated; an empty one is as one that is absent.
 *
 * @throws Failure `InvalidRequest`
 */
export function typesOf(query: URLSearchParams): readonly string[] {
  const types = query.getAll('type').filter((type) => type !== '');
  if (types.length > patternsMax) throw new Failure('InvalidRequest', `at most ${patternsMax} times ?type=`);
  for (const type of types) {
    if (type.length > patternLengthMax) {
      throw new Failure('InvalidRequest', `?type= has at most ${patternLengthMax} characters`);
    }
    try {
      compilePattern(type);
    } catch (error) {
      throw new Failure('InvalidRequest', `?type=: ${error instanceof Error ? error.message : ''}`, { cause: error });
    }
  }
  return types;
}
