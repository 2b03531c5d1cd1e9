// What a page that imports the client loads, in bytes: measured as a bundler ships it, and held against the README.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { beforeAll, expect, test } from 'vitest';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Sizes {
  /** What `import` loads. */
  readonly entry: number;
  /** What `createRuntime` loads behind it, while the worker loads. */
  readonly handle: number;
  /** What the first `handle` loads. */
  readonly tasks: number;
  readonly worker: number;
}

let sizes: Sizes;

beforeAll(async () => {
  const page = await built('../src/index.ts');
  const [worker] = (await built('../src/worker.ts')).values();
  if (worker === undefined) throw new Error('nothing was built of the worker');
  const entry = reach(page, 'index');
  const handle = reach(page, 'open-runtime', entry);
  const tasks = reach(page, 'tasks', new Set([...entry, ...handle]));
  sizes = { entry: gzipped(entry), handle: gzipped(handle), tasks: gzipped(tasks), worker: gzipped([worker]) };
});

test('importing the client loads at most 5 kB', () => {
  expect(sizes.entry).toBeLessThanOrEqual(5000);
});

test('a runtime that is open has loaded no more than its bound, and durable handlers come at the first of them', () => {
  expect(sizes.handle).toBeLessThanOrEqual(13_580);
  expect(sizes.tasks).toBeLessThanOrEqual(6000);
});

// Well above the 20 kB that it is meant to come down to.
test('the worker, with everything in it, loads no more than its bound', () => {
  expect(sizes.worker).toBeLessThanOrEqual(36_720);
});

test('the README says what was measured, and at most a little more', async () => {
  const readme = await readFile(here('../../../README.md'), 'utf8');
  for (const [row, bytes] of [
    ['imported', sizes.entry],
    ['a runtime is open', sizes.handle],
    ['the first durable handler', sizes.tasks],
    ['worker', sizes.worker],
  ] as const) {
    const said = Number(new RegExp(`\\| [^|]*${row}[^|]*\\| +([\\d.]+) kB +\\|`).exec(readme)?.[1]);
    expect(said, `the README's row "${row}"`).toBeGreaterThanOrEqual(bytes / 1000);
    expect(said, `the README's row "${row}"`).toBeLessThan(bytes / 1000 + 0.4);
  }
});

type Chunks = ReadonlyMap<string, Rolldown.OutputChunk>;

/** The entry's chunks by file, minified. */
async function built(entry: string): Promise<Chunks> {
  const { output } = (await build({
    configFile: false,
    root: here('..'),
    logLevel: 'error',
    resolve: { conditions: ['@godwit/source', 'module', 'browser', 'production'] },
    build: {
      write: false,
      target: 'es2024',
      modulePreload: false,
      rolldownOptions: { input: here(entry), preserveEntrySignatures: 'strict' },
    },
  })) as Rolldown.RolldownOutput;
  return new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part]] : [])));
}

/** The chunk of this name and all that it imports, but those that are there already. */
function reach(
  chunks: Chunks,
  name: string,
  there: ReadonlySet<Rolldown.OutputChunk> = new Set(),
): Set<Rolldown.OutputChunk> {
  const found = new Set<Rolldown.OutputChunk>();
  const visit = (chunk: Rolldown.OutputChunk | undefined): void => {
    if (chunk === undefined || found.has(chunk) || there.has(chunk)) return;
    found.add(chunk);
    for (const file of chunk.imports) visit(chunks.get(file));
  };
  visit([...chunks.values()].find((chunk) => chunk.name === name));
  if (found.size === 0) throw new Error(`there is no chunk called ${name} in ${[...chunks.keys()].join()}`);
  return found;
}

function gzipped(chunks: Iterable<Rolldown.OutputChunk>): number {
  let bytes = 0;
  for (const { code } of chunks) bytes += gzipSync(code).length;
  return bytes;
}
