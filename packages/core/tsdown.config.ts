// Core as it is published: ES modules with their types.
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'builtin/index': 'src/dispatcher/builtin/index.ts',
    'contracts/index': 'src/testing/contracts.ts',
    'dispatcher/index': 'src/dispatcher/index.ts',
    'feed/index': 'src/feed/index.ts',
    'protocol/index': 'src/protocol/index.ts',
    'tasks/index': 'src/runtime/tasks/index.ts',
    'testing/index': 'src/testing/index.ts',
  },
  format: 'esm',
  platform: 'neutral',
  target: 'es2024',
  dts: true,
  // `using` is in no edition of the language that a page's template names: our types bring what they need of it.
  banner: { dts: '/// <reference lib="esnext.disposable" />' },
  // The contracts' tests run in the importer's vitest.
  deps: { neverBundle: ['vitest', 'fast-check'] },
});
