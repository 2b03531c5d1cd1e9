// The relay's disk: a small file system of its own in memory, where the machine lets us make one, so that it can be full.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk. */
export interface Disk {
  readonly folder: string;
  /** Why it cannot be full: said in the report; undefined where it can. */
  readonly unable: string | undefined;
  /** Takes away all room but a little. */
  fill(): Promise<void>;
  /** Gives the room back. */
  free(): void;
  remove(): Promise<void>;
}

/** Room for an hour of it. Only what is used takes memory. */
const bytesMax = 1024 * 1024 * 1024;
/** What is left on a full disk: less than a commit needs, sooner or later. */
const bytesLeft = 64 * 1024;

/** Makes an empty one. */
export async function makeDisk(): Promise<Disk> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-chaos-disk-'));
  const refused = mount('-t', 'tmpfs', '-o', `size=${bytesMax}`, 'tmpfs', folder);
  return {
    folder,
    unable: refused,
    async fill() {
      // What is written between the look and the change may take the room that was to be left: then a little more.
      for (let left = bytesLeft; ; left *= 2) {
        const { blocks, bavail, bsize } = await statfs(folder);
        const refused = resize(folder, (blocks - bavail) * bsize + left);
        if (refused === undefined) return;
        if (left > bytesMax) throw new Error(`the disk's size could not be changed: ${refused}`);
      }
    },
    free() {
      const refused = resize(folder, bytesMax);
      if (refused !== undefined) throw new Error(`the disk's size could not be changed: ${refused}`);
    },
    async remove() {
      if (refused === undefined) run('umount', '--lazy', folder);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function resize(folder: string, bytes: number): string | undefined {
  return mount('-o', `remount,size=${bytes}`, folder);
}

function mount(...args: readonly string[]): string | undefined {
  return run('mount', ...args);
}

/** Why it failed; undefined: it did not. */
function run(command: string, ...args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.trim() || `${command} answered ${status}`;
}
