// Builds that share no file: the entries of the page, of an application's own worker, and of Node, whose dependencies stay
// imports; and the worker, one file that imports nothing.
import { defineConfig } from 'tsdown';

export default defineConfig([
  {
    entry: { index: 'src/index.ts' },
    format: 'esm',
    platform: 'browser',
    dts: true,
    tsconfig: 'tsconfig.page.json',
    clean: false,
  },
  {
    entry: { worker: 'src/worker.ts' },
    format: 'esm',
    platform: 'browser',
    // Self-contained: import maps do not apply in workers, and not every bundler follows a worker's imports.
    deps: { alwaysBundle: [/.*/] },
    inputOptions: { resolve: { conditionNames: ['@godwit/source', 'browser', 'import', 'default'] } },
    dts: true,
    tsconfig: 'tsconfig.worker.json',
    // It is copied as it is, where no bundler follows it.
    minify: true,
    clean: false,
  },
  {
    entry: { 'own-worker': 'src/own-worker.ts' },
    format: 'esm',
    platform: 'browser',
    dts: true,
    tsconfig: 'tsconfig.worker.json',
    clean: false,
  },
  {
    entry: { server: 'src/server.ts' },
    format: 'esm',
    platform: 'neutral',
    target: 'es2024',
    dts: true,
    tsconfig: 'tsconfig.page.json',
    clean: false,
  },
  {
    entry: { node: 'src/node/index.ts' },
    format: 'esm',
    platform: 'neutral',
    target: 'es2024',
    deps: { neverBundle: [/^node:/] },
    dts: true,
    tsconfig: 'tsconfig.node.json',
    clean: false,
  },
]);
