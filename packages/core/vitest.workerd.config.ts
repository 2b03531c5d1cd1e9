// The same tests inside workerd, the runtime of Cloudflare Workers.
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-10-01' } })],
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: {
    name: 'core/workerd',
    include: ['src/**/*.test.ts'],
    // One for all files: each would begin a process of its own, which takes longer than its tests. In Node each file has its own,
    // and tells what hangs on another's.
    isolate: false,
    testTimeout: 30_000,
  },
});
