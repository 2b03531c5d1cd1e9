import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const home = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${home}README.md`, 'utf8');

test('the first lines of the README run, on a server too', () => {
  const [, lines = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const args = ['--conditions=@godwit/source', '--input-type=module-typescript', '--eval'];
  const after = 'console.log(runtime.status.get().storage, typeof relayed); await runtime.close();';
  const { stdout, stderr } = spawnSync(process.execPath, [...args, `${lines}\n${after}`], {
    cwd: home,
    encoding: 'utf8',
  });
  expect(stderr).not.toContain('Error');
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['Fly', 'memory function']));
});

test('the README names every entry of the package', () => {
  const { exports }: { readonly exports: object } = JSON.parse(readFileSync(`${home}package.json`, 'utf8'));
  const entries = Object.keys(exports).map((entry) => entry.replace('.', '@godwit/client'));
  expect(entries.filter((entry) => !readme.includes(`\n| \`${entry}\` `))).toEqual([]);
});
