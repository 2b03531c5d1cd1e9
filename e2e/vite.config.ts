// The bare page that the tests drive, built from the packages' sources.
import { defaultClientConditions, defineConfig } from 'vite';

export default defineConfig({
  root: 'page',
  resolve: { conditions: ['@godwit/source', ...defaultClientConditions] },
  worker: { format: 'es' },
  build: {
    target: 'es2024',
    outDir: '../dist',
    emptyOutDir: true,
    minify: false,
    rolldownOptions: {
      input: ['page/index.html', 'page/workflow.html', 'page/chaos.html', 'page/prerender.html'],
    },
  },
});
