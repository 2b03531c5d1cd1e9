// The demo, built from the packages' sources.
import { defaultClientConditions, defineConfig } from 'vite';
import { githubExamples } from './build/examples.ts';

export default defineConfig({
  plugins: [githubExamples()],
  resolve: { conditions: ['@godwit/source', ...defaultClientConditions] },
  worker: { format: 'es' },
  build: { target: 'es2024', sourcemap: true },
});
