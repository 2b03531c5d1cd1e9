// Vite as one develops with React. A copy of this folder, with the repository's `node_modules`, is its root.
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

export default defineConfig({
  cacheDir: '.vite',
  plugins: [react()],
  resolve: { conditions: ['@godwit/source', ...defaultClientConditions] },
  worker: { format: 'es' },
  // All that is to be optimized is said: what is found later has the page reloaded.
  optimizeDeps: {
    include: ['react', 'react-dom/client', 'react/jsx-dev-runtime', 'comlink', 'idb', 'eventsource-parser'],
  },
  server: { host: '127.0.0.1', port: 0, fs: { strict: false } },
});
