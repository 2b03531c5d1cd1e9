// Sees to it that the programs named are there before the tests that need them. On Debian, as root, it installs what is missing.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installDebian } from './debian.ts';

for (const name of process.argv.slice(2)) {
  const found = find(name) ?? (installDebian(name) ? find(name) : undefined);
  if (found === undefined) {
    process.stderr.write(`no ${name} was found for the tests: install it (on Debian: \`apt-get install ${name}\`)\n`);
    process.exitCode = 1;
  } else process.stdout.write(`${name}: ${found}\n`);
}

/** Servers lie where only root looks. */
function find(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
