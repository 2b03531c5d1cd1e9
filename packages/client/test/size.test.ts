// What a page that imports the client loads, in bytes: measured as a bundler ships it, and held against the README.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { beforeAll, expect, test } from 'vitest';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

let sizes: { readonly main: number; readonly worker: number };

beforeAll(async () => {
  sizes = { main: await gzipped('../src/index.ts'), worker: await gzipped('../src/worker.ts') };
});

// Durable handlers took both well above what they are meant to come down to: 5 kB and 20 kB.
test('the main thread loads no more than its bound', () => {
  expect(sizes.main).toBeLessThanOrEqual(15 * 1024);
});

test('the worker, with everything in it, loads no more than its bound', () => {
  expect(sizes.worker).toBeLessThanOrEqual(31 * 1024);
});

test('the README says what was measured, and at most a little more', async () => {
  const readme = await readFile(here('../../../README.md'), 'utf8');
  for (const [row, bytes] of [
    ['main thread', sizes.main],
    ['worker', sizes.worker],
  ] as const) {
    const said = Number(new RegExp(`\\| ${row}[^|]*\\| +([\\d.]+) KiB +\\|`).exec(readme)?.[1]);
    expect(said, `the README's row "${row}"`).toBeGreaterThanOrEqual(bytes / 1024);
    expect(said, `the README's row "${row}"`).toBeLessThan(bytes / 1024 + 0.4);
  }
});

/** The entry's own chunk, minified and gzipped. */
async function gzipped(entry: string): Promise<number> {
  const built = await build({
    configFile: false,
    root: here('..'),
    logLevel: 'error',
    resolve: { conditions: ['@godwit/source', 'module', 'browser', 'production'] },
    build: {
      write: false,
      target: 'es2024',
      rolldownOptions: { input: here(entry), preserveEntrySignatures: 'strict' },
    },
  });
  const { output } = built as Rolldown.RolldownOutput;
  const chunk = output.find((part) => part.type === 'chunk' && part.isEntry);
  if (chunk?.type !== 'chunk') throw new Error(`nothing was built of ${entry}`);
  return gzipSync(chunk.code).length;
}
