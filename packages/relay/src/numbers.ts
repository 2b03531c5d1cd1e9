// Numbers that no double holds are refused, saying where: read as JSON, they would silently become other numbers.
import { Failure } from '@godwit/core';

/** Stands in parsed JSON for a number that cannot be kept. */
class Unkept {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/**
 * Without a number of 16 digits, or with an exponent of two, every number is kept. A number stands at the start, or behind one of these;
 * within strings, where ids hold such runs and seldom begin with them, it harms nobody: looking closer only takes longer.
 */
const suspicious = /(?:^|[:,[\s])-?(?:\d{16}|\d[\d.]*[eE]\+?\d{2})/;
/** Without fraction or exponent: as one writes an id or an amount, which is to stay what it is. */
const wholeNumber = /^-?\d+$/;

/** What JSON said. */
export interface Parsed {
  readonly value: unknown;
  /** Whether somewhere in it stands, in place of a number that cannot be kept, what `assertKept` refuses. */
  readonly hasUnkept: boolean;
}

/**
 * Reads JSON.
 *
 * @throws SyntaxError, or RangeError where a suspicious text is nested too deeply to be looked at
 */
export function parseJson(text: string): Parsed {
  if (!suspicious.test(text)) return { value: JSON.parse(text), hasUnkept: false };
  let hasUnkept = false;
  // The third argument: https://tc39.es/proposal-json-parse-with-source/
  const keep = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value !== 'number') return value;
    const source = context?.source ?? String(value);
    const isKept = Number.isFinite(value) && (!wholeNumber.test(source) || Number.isSafeInteger(value));
    if (isKept) return value;
    hasUnkept = true;
    return new Unkept(source);
  };
  const value: unknown = JSON.parse(text, keep);
  return { value, hasUnkept };
}

/**
 * Checks that every number was kept.
 *
 * @param where names the place in a batch, as `[3]`
 * @throws Failure `InvalidEvent`, with the path of the first that was not
 */
export function assertKept(value: unknown, where = ''): void {
  const found = findUnkept(value);
  if (found === undefined) return;
  const { path, source } = found;
  const shown = source.length > 40 ? `${source.slice(0, 40)}…` : source;
  const which = where === '' ? '' : `event ${where}: `;
  throw new Failure(
    'InvalidEvent',
    `${which}the number \`${path}\` is ${shown}, which JSON's readers do not keep: whole numbers go to ±${Number.MAX_SAFE_INTEGER}, others to ±${Number.MAX_VALUE}; send it as a string`,
    { path: `${where}${where === '' ? '' : '.'}${path}` },
  );
}

/** Without recursion: nobody has looked yet at how deeply it is nested. */
function findUnkept(root: unknown): { readonly path: string; readonly source: string } | undefined {
  const open: { readonly value: unknown; readonly path: () => string }[] = [{ value: root, path: () => '' }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (value instanceof Unkept) return { path: path(), source: value.source };
    if (typeof value !== 'object' || value === null) continue;
    const isArray = Array.isArray(value);
    // The last on top: what is found is the first in the text.
    for (const [key, item] of Object.entries(value).toReversed()) {
      if (typeof item !== 'object' || item === null) continue;
      open.push({ value: item, path: () => `${path()}${memberOf(key, isArray, path() === '')}` });
    }
  }
  return undefined;
}

function memberOf(key: string, isArray: boolean, isFirst: boolean): string {
  if (isArray) return `[${key}]`;
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `[${JSON.stringify(key)}]`;
  return isFirst ? key : `.${key}`;
}
