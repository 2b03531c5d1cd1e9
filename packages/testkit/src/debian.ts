// Debian's packages, for what a test needs and a checkout does not bring.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Debian and its descendants have this file. Ubuntu's packages only point to snaps, so it is told what to install. */
const debian = '/etc/debian_version';

/** Installs a package where that can be done: on Debian, as root. Answers whether it was tried. */
export function installDebian(name: string): boolean {
  if (process.getuid?.() !== 0 || !existsSync(debian)) return false;
  process.stdout.write(`${name} is missing: installing Debian’s\n`);
  run('apt-get', ['update']);
  run('apt-get', ['install', '-y', '--no-install-recommends', name]);
  return true;
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
