// What the runs of real things are judged by, tested by itself in Node.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: { name: 'e2e', include: ['chaos/**/*.test.ts', 'src/**/*.test.ts'], environment: 'node' },
});
