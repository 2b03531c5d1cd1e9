// What the README says of the deliberate defects is so, and each still fits the sources: `npm run sim:mutants` runs them.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { mutants } from '../../sim/mutants/mutants.ts';

const home = new URL('../../', import.meta.url);

test('every deliberate defect fits the sources in one place', async () => {
  for (const { name, file, find, put } of mutants) {
    const text = await readFile(new URL(`src/${file}`, home), 'utf8');
    expect(text.split(find).length - 1, name).toBe(1);
    expect(put).not.toBe(find);
  }
});

test('the README says how many there are', async () => {
  expect(await readFile(new URL('README.md', home), 'utf8')).toContain(`puts ${mutants.length} deliberate defects`);
});
