import resolve from '@rollup/plugin-node-resolve';
import { fileURLToPath } from 'node:url';

export default {
  // Rollup does not follow `new URL('./worker.js', import.meta.url)`: the worker is a second entry, of that name.
  input: { main: fileURLToPath(new URL('../app/main.js', import.meta.url)), worker: '@godwit/client/worker' },
  output: { dir: fileURLToPath(new URL('dist', import.meta.url)), format: 'es' },
  plugins: [resolve({ browser: true })],
};
