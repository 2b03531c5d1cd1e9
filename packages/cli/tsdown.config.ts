// The command as it is published: a file that Node runs; the relay stays outside.
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { godwit: 'src/godwit.ts' },
  format: 'esm',
  platform: 'neutral',
  target: 'es2024',
  deps: { neverBundle: [/^node:/] },
});
