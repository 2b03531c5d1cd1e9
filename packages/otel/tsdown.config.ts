// The adapter as it is published: an ES module with its types; OpenTelemetry's API stays the application's.
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { index: 'src/index.ts' },
  format: 'esm',
  platform: 'neutral',
  target: 'es2024',
  dts: true,
});
