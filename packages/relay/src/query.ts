// What a request's query says, checked.
import { compilePattern, Failure } from '@godwit/core';
import type { EphemeralPolicy, ReadQuery } from '@godwit/core/feed';
import { binaryPrefix } from '@godwit/core/protocol';

/** What a parameter says: an empty one is one that is absent (rule 0.6), and of several the first counts. */
export function saidIn(query: URLSearchParams, name: string): string | undefined {
  return allSaidIn(query, name)[0];
}

/** All that a parameter says which may be repeated. */
export function allSaidIn(query: URLSearchParams, name: string): readonly string[] {
  return query.getAll(name).filter((text) => text !== '');
}

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
  const text = saidIn(query, name);
  if (text === undefined) return bounds.byDefault;
  const number = Number(text);
  const isNumber = bounds.isWhole ? /^\d{1,9}$/.test(text) : /^\d{1,9}(\.\d{1,30})?$/.test(text);
  if (isNumber && number >= bounds.min && number <= bounds.max) return number;
  const kind = bounds.isWhole ? 'a whole number' : 'a number';
  throw new Failure(
    'InvalidRequest',
    `?${name}= is ${kind} from ${bounds.min} to ${bounds.max}; got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

/** Patterns longer or more than this cost every event more than any reader needs. */
const patternsMax = 100;
const typeLengthMax = 256;
/** Sources and subjects are URIs, and may be long. */
const valueLengthMax = 1024;
const attributesMax = 10;
/** As a channel's name. */
const clientLengthMax = 128;
/** Each is looked for behind the last: none makes a filter explode, but nobody means so many. */
const starsMax = 16;
const policies = ['skip', 'latest', 'disconnect'] as const satisfies readonly EphemeralPolicy[];
/** CloudEvents 1.0, "Attribute Naming Convention"; data is no attribute. */
const attributeName = /^(?!data$)[a-z0-9]{1,64}$/;
/** The attributes that have a parameter of their own name. */
const plainNames = ['type', 'source', 'subject'];

/**
 * Reads a filter: `?type=`, `?source=`, `?subject=`, and `?ce-NAME=` of any other attribute, as binary mode calls its header.
 * Each may be repeated.
 *
 * @throws Failure `InvalidRequest`
 */
export function filterOf(query: URLSearchParams): Pick<ReadQuery, 'types' | 'attributes'> {
  const types = typesOf(query);
  const values = new Map<string, string[]>();
  let count = types.length;
  for (const [parameter, value] of query) {
    const name = attributeOf(parameter);
    if (name === undefined || value === '') continue;
    assertValue(parameter, value);
    values.set(name, [...(values.get(name) ?? []), value]);
    count += 1;
  }
  if (count > patternsMax) throw invalid(`a filter has at most ${patternsMax} patterns; got ${count}`);
  if (values.size > attributesMax)
    throw invalid(`a filter names at most ${attributesMax} attributes; got ${values.size}`);
  if (values.size === 0) return { types };
  return { types, attributes: [...values].map(([name, its]) => ({ name, values: its })) };
}

/**
 * Reads `?ephemeral=`, what becomes of ephemeral events for a reader that is too slow for them.
 *
 * @throws Failure `InvalidRequest`
 */
export function policyOf(query: URLSearchParams): EphemeralPolicy {
  const said = saidIn(query, 'ephemeral') ?? 'skip';
  const policy = policies.find((policy) => policy === said);
  if (policy !== undefined) return policy;
  throw invalid(`?ephemeral= is ${policies.join(', ')}; got ${JSON.stringify(said.slice(0, 40))}`);
}

/**
 * Reads `?client=`, by which a reader says who it is. Where it is known who asks, that is the subject, alone or with one of its
 * devices behind a slash.
 *
 * @throws Failure `InvalidRequest`, or `Forbidden` to whoever names somebody else
 */
export function clientOf(query: URLSearchParams, subject: string | undefined): string | undefined {
  const clientId = saidIn(query, 'client');
  if (clientId === undefined) return undefined;
  if (clientId.length > clientLengthMax) throw invalid(`?client= has at most ${clientLengthMax} characters`);
  if (subject === undefined || clientId === subject || clientId.startsWith(`${subject}/`)) return clientId;
  const own = JSON.stringify(subject.slice(0, clientLengthMax));
  throw new Failure('Forbidden', `?client= is ${own}, whose token this is, or begins with it and a slash`);
}

function typesOf(query: URLSearchParams): readonly string[] {
  const types = allSaidIn(query, 'type');
  if (types.length > patternsMax) throw invalid(`at most ${patternsMax} times ?type=`);
  for (const type of types) {
    if (type.length > typeLengthMax) throw invalid(`?type= has at most ${typeLengthMax} characters`);
    try {
      compilePattern(type);
    } catch (error) {
      throw new Failure('InvalidRequest', `?type=: ${error instanceof Error ? error.message : ''}`, { cause: error });
    }
  }
  return types;
}

/** The attribute that a parameter filters by; undefined where it is no filter, or the one on types. */
function attributeOf(parameter: string): string | undefined {
  if (parameter === 'source' || parameter === 'subject') return parameter;
  if (!parameter.startsWith(binaryPrefix)) return undefined;
  const name = parameter.slice(binaryPrefix.length);
  if (plainNames.includes(name)) throw invalid(`?${parameter}= is called ?${name}= here`);
  if (attributeName.test(name)) return name;
  const shown = JSON.stringify(parameter.slice(0, 80));
  throw invalid(`${shown} names no attribute: behind ${binaryPrefix} come 1 to 64 of a-z 0-9, and "data" is none`);
}

function assertValue(parameter: string, value: string): void {
  if (value.length > valueLengthMax) throw invalid(`?${parameter}= has at most ${valueLengthMax} characters`);
  if (value.split('*').length - 1 > starsMax) throw invalid(`?${parameter}= has at most ${starsMax} times *`);
}

function invalid(message: string): Failure {
  return new Failure('InvalidRequest', message);
}
