// What an application ships that imports the in-process half alone: bundled, minified, gzipped.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

/** Bytes of a bundle that exports what `code` says. */
async function sizeOf(code: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}

const entry = '../../src/dispatcher/index.ts';

test.each([
  ['a dispatcher', `export { createDispatcher } from '${entry}'`, 3490],
  ['the whole in-process half', `export * from '${entry}'`, 8750],
  ['a pattern', `export { compilePattern } from '${entry}'`, 600],
  ['one built-in definition', `export { UserCreated } from '../../src/dispatcher/builtin/index.ts'`, 600],
  ['retry', `export { retry } from '${entry}'`, 1100],
])('%s stays within its size', async (_, code, bytesMax) => {
  expect(await sizeOf(code)).toBeLessThanOrEqual(bytesMax);
});
