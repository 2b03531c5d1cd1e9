// For tests: the worker as one file, as it ships. Fetched module by module, each tab that a test opens would wait a second for it.
import { fileURLToPath } from 'node:url';
import { build, type Plugin, type Rolldown } from 'vite';

/** Serves the worker's entry with all that it imports; not to a test's own worker that imports it beside something else. */
export function bundledWorker(): Plugin {
  const entry = fileURLToPath(new URL('../src/worker.ts', import.meta.url));
  return {
    name: 'bundled-worker',
    enforce: 'pre',
    async load(id) {
      const [file, query = ''] = id.split('?');
      if (file !== entry || !query.includes('worker_file')) return undefined;
      const { code, moduleIds } = await bundle(entry);
      // Whoever changes one of them while tests are watched gets another bundle.
      for (const each of moduleIds) this.addWatchFile(each);
      return code;
    },
  };
}

async function bundle(input: string): Promise<Rolldown.OutputChunk> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@godwit/source', 'browser', 'import', 'default'] },
    build: { write: false, minify: false, rolldownOptions: { input, output: { codeSplitting: false } } },
  });
  for (const { output } of Array.isArray(built) ? built : 'output' in built ? [built] : []) return output[0];
  throw new Error('nothing was built of the worker');
}
