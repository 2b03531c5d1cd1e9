// The client where a Worker imports it: inside workerd, the runtime of Cloudflare Workers.
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-10-01' } })],
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: { name: 'client/workerd', include: ['src/main/create-runtime.test.ts'], testTimeout: 30_000 },
});
