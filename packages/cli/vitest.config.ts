// The command, as a process.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  // Real processes, on machines that do other things too.
  test: { name: 'cli', include: ['test/**/*.test.ts'], environment: 'node', testTimeout: 30_000 },
});
