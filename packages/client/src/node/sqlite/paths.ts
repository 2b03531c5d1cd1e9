// A file's one name, however it was written, and its end.
import { realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { inMemory } from './database.ts';

/** The path that all names of a file lead to: two connections of one process to it would be one too many. */
export function realPath(file: string): string {
  // Absolute, it can be no `file:` address, which SQLite would take as such.
  const path = resolve(file);
  if (file === inMemory) return file;
  return real(path) ?? join(real(dirname(path)) ?? dirname(path), basename(path));
}

/** Which file it is that has this path now; undefined where there is none. */
export function fileAt(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** Deletes a database that is closed. The file itself goes last: beside a new one, an old log of writes would be taken for its own. */
export function removeDatabase(path: string): void {
  for (const part of ['-journal', '-shm', '-wal', '']) rmSync(path + part, { force: true });
}

function real(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    // Not there yet.
    return undefined;
  }
}
