// The relay as it is published: ES modules with their types; its dependencies stay outside.
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'node/index': 'src/node/index.ts',
    'mqtt/index': 'src/mqtt/index.ts',
    'nats/index': 'src/nats/index.ts',
    'cloudflare/index': 'src/cloudflare/index.ts',
  },
  format: 'esm',
  platform: 'neutral',
  target: 'es2024',
  dts: true,
  deps: { neverBundle: [/^node:/, 'cloudflare:workers'] },
});
