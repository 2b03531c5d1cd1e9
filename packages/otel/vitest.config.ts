// The adapter in Node, on OpenTelemetry's own SDK.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@godwit/source'] },
  ssr: { resolve: { conditions: ['@godwit/source'] } },
  test: { name: 'otel/node', include: ['src/**/*.test.ts', 'test/**/*.test.ts'], environment: 'node' },
});
