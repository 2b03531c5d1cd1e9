// The documents, in Node: what they say is so.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { name: 'docs', include: ['test/**/*.test.ts'], environment: 'node' },
});
