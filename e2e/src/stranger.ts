// A stranger's project: the fixtures in a folder outside the repository, with the packages as npm would publish them.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './child.ts';

const execute = promisify(execFile);

/** A folder with the fixtures, installed. */
export interface Stranger {
  readonly folder: string;
  /** Runs a program of the folder's own packages, in one of its folders; rejects with what it said when it fails. */
  run(where: string, program: string, ...args: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

/** Packs client and core, which must be built, and installs them beside the bundlers. */
export async function installStranger(): Promise<Stranger> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-stranger-'));
  // Nothing that the repository has installed may be found from here.
  await cp(join(root, 'e2e/bundlers'), folder, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  const packed = join(folder, 'packed');
  // `npm pack` wants its folder to be there.
  await cp(join(root, 'LICENSE'), join(packed, 'LICENSE'));
  for (const name of ['core', 'client']) {
    await npm(join(root, 'packages', name), 'pack', '--silent', '--pack-destination', packed);
  }
  const tarballs = (await readdir(packed)).filter((file) => file.endsWith('.tgz')).map((file) => join(packed, file));
  await npm(folder, 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs);

  return {
    folder,
    async run(where, program, ...args) {
      await execute(join(folder, 'node_modules/.bin', program), args, {
        cwd: join(folder, where),
        env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
      });
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

async function npm(where: string, ...args: readonly string[]): Promise<void> {
  await execute('npm', args, { cwd: where });
}
