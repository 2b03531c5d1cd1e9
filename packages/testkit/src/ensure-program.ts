// Sees to it that the programs named are there before the tests that need them. On Debian, as root, it installs what is missing.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installDebian } from './debian.ts';

/** Debian's package, where it is not called as the program is. */
const packages: Readonly<Record<string, string>> = {
  WebKitWebDriver: 'webkit2gtk-driver',
  Xvfb: 'xvfb',
  'systemd-analyze': 'systemd',
};

for (const name of process.argv.slice(2)) {
  const debian = packages[name] ?? name;
  const found = find(name) ?? (installDebian(debian) ? find(name) : undefined);
  if (found === undefined) {
    process.stderr.write(`no ${name} was found for the tests: install it (on Debian: \`apt-get install ${debian}\`)\n`);
    process.exitCode = 1;
  } else process.stdout.write(`${name}: ${found}\n`);
}

/** Servers lie where only root looks. */
function find(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
