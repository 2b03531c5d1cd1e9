import { fileURLToPath } from 'node:url';

export default {
  // The packages are installed one folder above.
  turbopack: { root: fileURLToPath(new URL('..', import.meta.url)) },
};
