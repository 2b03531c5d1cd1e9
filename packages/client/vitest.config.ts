// The client's rooms that need no browser, in Node.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: {
    name: 'client/node',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/*.browser.test.ts'],
    environment: 'node',
    testTimeout: 30_000,
  },
});
