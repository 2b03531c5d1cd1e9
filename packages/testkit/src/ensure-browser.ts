// Sees to it that the browsers named (Chromium, if none is) are there before the tests begin. On Debian, as root, it
// installs what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { browsers, findChromium, findInSystem, thisMachine } from './browser.ts';

/** Debian and its descendants have this file. Ubuntu's packages only point to snaps, so it is told what to install. */
const debian = '/etc/debian_version';

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : ['chromium']) {
  if (name !== 'chromium' && name !== 'firefox') throw new Error(`"${name}" is no browser of these tests`);
  ensure(name);
}

function ensure(name: keyof typeof browsers): void {
  const browser = browsers[name];
  const find = (): string | undefined =>
    name === 'chromium' ? findChromium(thisMachine()) : findInSystem(browser, thisMachine());
  let found = find();
  if (found === undefined && thisMachine().isRoot && existsSync(debian)) {
    process.stdout.write(`no ${name} found: installing Debian’s\n`);
    run('apt-get', ['update']);
    run('apt-get', ['install', '-y', '--no-install-recommends', browser.debian]);
    found = find();
  }
  if (found === undefined) {
    process.stderr.write(`${browser.missing}\n`);
    process.exitCode = 1;
  } else process.stdout.write(`${name}: ${found === 'playwright' ? 'Playwright’s own' : found}\n`);
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) {
    process.stderr.write(`${command} ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}\n`);
  }
}
