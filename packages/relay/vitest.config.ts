// The relay on Node: its app, its SQLite log, and the real process.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: {
    name: 'relay/node',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['src/cloudflare/**', '**/node_modules/**'],
    environment: 'node',
    // Real processes and sockets, on machines that do other things too.
    testTimeout: 30_000,
    // What is waited for comes when the machine has time for it; the runner's own second is none on a busy one.
    expect: { poll: { timeout: 20_000 } },
  },
});
