// README.md lists what there is to be said when a relay is run, and nothing else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultLimits } from '@godwit/core/protocol';
import { expect, test } from 'vitest';
import { readOptions } from '../src/node/options.ts';

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

test('every option of the command line stands in the README, and every option there is one', () => {
  const usage = readOptions(['--help']);
  const known = new Set((typeof usage === 'string' ? usage : '').match(/(?<=^ +)--[a-z-]+/gm));
  const rows = readme.split('\n').filter((line) => line.startsWith('| `--'));
  const named = new Set(rows.flatMap((line) => line.split('|')[1]?.match(/--[a-z-]+/g) ?? []));
  expect(known.size).toBeGreaterThan(10);
  expect([...named].toSorted()).toEqual([...known].toSorted());
});

test('the limits that it lists, each with a reason, are the defaults', () => {
  const listed = [...readme.matchAll(/^\| `(\w+)` +\| +(\d+) \| +(\S.*\S) +\|$/gm)];
  expect(listed.every(([, , , reason = '']) => reason.length > 10)).toBe(true);
  expect(Object.fromEntries(listed.map(([, name, value]) => [name, Number(value)]))).toEqual(defaultLimits);
});
