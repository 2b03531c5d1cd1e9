// What is published imports nothing: core depends on nothing, and what helps tests needs no runner of theirs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const home = join(import.meta.dirname, '..');
const { exports }: { readonly exports: Readonly<Record<string, { readonly '@godwit/source': string }>> } = JSON.parse(
  readFileSync(join(home, 'package.json'), 'utf8'),
);

/** What one entry imports from outside, however far down. */
async function foreign(source: string): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [join(home, source)],
    bundle: true,
    packages: 'external',
    format: 'esm',
    metafile: true,
    write: false,
  });
  return [
    ...new Set(Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))),
  ].toSorted();
}

test.each(Object.entries(exports))(
  '%s imports nothing, unless it is a contract, which vitest runs',
  async (entry, its) => {
    expect(await foreign(its['@godwit/source'])).toEqual(entry === './contracts' ? ['fast-check', 'vitest'] : []);
  },
);
