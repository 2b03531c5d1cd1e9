// PROTOCOL.md and the tests say the same.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@godwit/core';
import { defaultLimits } from '@godwit/core/protocol';
import { expect, test } from 'vitest';
import { problemResponse } from '../src/problem.ts';

const here = import.meta.dirname;
const protocol = readFileSync(join(here, '../../../PROTOCOL.md'), 'utf8');

test('every numbered rule has a test whose title begins with its number, and no test names a rule that is not there', () => {
  const rules = new Set([...protocol.matchAll(/^- \*\*(\d+\.\d+)\*\*/gm)].map(([, rule = '']) => rule));
  const folders = [join(here, '../src/testing'), here];
  const sources = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  );
  const tested = new Set(
    sources.flatMap((source) => [...source.matchAll(/^\s*test\('(\d+\.\d+) /gm)].map(([, rule = '']) => rule)),
  );
  expect(rules.size).toBeGreaterThan(40);
  expect([...rules].filter((rule) => !tested.has(rule))).toEqual([]);
  expect([...tested].filter((rule) => !rules.has(rule))).toEqual([]);
});

test('8.3 refusals that pass carry Retry-After, in whole seconds', () => {
  for (const [name, retryAfterMs, seconds] of [
    ['RateLimited', 1200, '2'],
    ['Draining', 1, '1'],
    ['StorageFailed', undefined, '1'],
  ] as const) {
    const failure = new Failure(name, 'later', retryAfterMs === undefined ? {} : { retryAfterMs });
    const { status, headers } = problemResponse(failure);
    expect([name, [429, 503].includes(status), headers.get('retry-after')]).toEqual([name, true, seconds]);
  }
  expect(problemResponse(new Failure('InvalidEvent', 'no')).headers.get('retry-after')).toBeNull();
});

test('10.1 the defaults are those that PROTOCOL.md lists', () => {
  const listed = [...protocol.matchAll(/^\| `(\w+)`[^|]*\| +(\d+) +\|$/gm)].map(([, name, value]) => [
    name,
    Number(value),
  ]);
  expect(Object.fromEntries(listed)).toEqual(defaultLimits);
});
