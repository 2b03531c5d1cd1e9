// Sees to it that there is a browser before the tests begin. On Debian, as root, it installs one.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findChromium, missingBrowser, thisMachine } from './browser.ts';

/** Debian and its descendants have this file. Ubuntu's chromium package only points to a snap, so it is told what to install. */
const debian = '/etc/debian_version';

let found = findChromium(thisMachine());
if (found === undefined && thisMachine().isRoot && existsSync(debian)) {
  process.stdout.write('no Chromium found: installing Debian’s\n');
  run('apt-get', ['update']);
  run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium']);
  found = findChromium(thisMachine());
}
if (found === undefined) {
  process.stderr.write(`${missingBrowser}\n`);
  process.exitCode = 1;
} else process.stdout.write(`browser: ${found === 'playwright' ? 'Playwright’s Chromium' : found}\n`);

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) {
    process.stderr.write(`${command} ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}\n`);
  }
}
