// The demo's own logic, in Node; that the page works is an end-to-end test.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: { name: 'demo', include: ['test/**/*.test.ts'], environment: 'node' },
});
