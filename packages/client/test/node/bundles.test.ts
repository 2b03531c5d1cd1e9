// What each entry draws in: the browser's nothing of Node's, and Node's nothing of the browser's.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

test.each(['src/index.ts', 'src/worker.ts'])('%s, for browsers, draws in nothing of Node', async (entry) => {
  const drawn = await drawnBy(entry, 'browser');
  expect(drawn).toContain(entry);
  expect(drawn.filter((path) => path.startsWith('src/node/') || path.includes('node:'))).toEqual([]);
});

test('src/node/index.ts draws in nothing of the browser: no worker, no IndexedDB, no tabs of its own', async () => {
  const drawn = await drawnBy('src/node/index.ts', 'node');
  expect(drawn).toContain('src/node/sqlite/store.ts');
  expect(drawn).toContain('node:sqlite');
  const browsers = /^src\/(main|storage|tabs|worker|index|default-worker)\b|node_modules\/(idb|comlink)\//;
  expect(drawn.filter((path) => browsers.test(path))).toEqual([]);
});

/** The modules of an entry's bundle, and what it leaves to the platform. */
async function drawnBy(entry: string, platform: 'browser' | 'node'): Promise<readonly string[]> {
  const built = await build({
    configFile: false,
    root,
    logLevel: 'error',
    resolve: { conditions: ['@godwit/source', 'module', platform] },
    ssr: { noExternal: true, resolve: { conditions: ['@godwit/source', 'module', platform] } },
    build: {
      write: false,
      target: 'es2024',
      ssr: platform === 'node',
      rolldownOptions: { input: `${root}${entry}`, preserveEntrySignatures: 'strict' },
    },
  });
  const { output } = built as Rolldown.RolldownOutput;
  return output.flatMap((part) =>
    part.type === 'chunk' ? [...part.moduleIds.map((id) => relative(root, id)), ...part.imports] : [],
  );
}
