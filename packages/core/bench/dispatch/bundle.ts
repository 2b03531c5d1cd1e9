// What is measured is what is shipped: the in-process half, bundled and minified.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Bundles the in-process half, and loads it. */
export async function loadBundle(): Promise<typeof import('../../src/dispatcher/index.ts')> {
  const outfile = join(mkdtempSync(join(tmpdir(), 'godwit-bench-')), 'dispatcher.mjs');
  await build({
    entryPoints: [new URL('../../src/dispatcher/index.ts', import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    outfile,
    logLevel: 'error',
  });
  return import(pathToFileURL(outfile).href);
}
