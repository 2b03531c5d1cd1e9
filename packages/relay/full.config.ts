// What of the relay's tests needs programs that a checkout does not bring, or takes minutes: `npm run test:full` alone runs it.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: {
    name: 'relay/full',
    include: ['test/**/*.full.ts'],
    environment: 'node',
    testTimeout: 30_000,
    // What is waited for comes when the machine has time for it; the runner's own second is none on a busy one.
    expect: { poll: { timeout: 20_000 } },
  },
});
