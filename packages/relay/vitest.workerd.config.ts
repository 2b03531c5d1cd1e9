// The Workers half, inside workerd: the log in a real Durable Object, and the relay's contract over the Worker itself.
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: './src/cloudflare/testing/wrangler.jsonc' } })],
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: {
    name: 'relay/workerd',
    include: ['src/cloudflare/**/*.test.ts'],
    // What is waited for comes when the machine has time for it; the runner's own second is none on a busy one.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 30_000,
  },
});
