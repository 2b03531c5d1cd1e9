// A copy of the relay's file while it is written to. The copy says that it is one: a relay that is started on it begins new
// epochs, so that readers who had more than it holds are told of a gap.
import { rm, stat } from 'node:fs/promises';
import { backup, DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { toFailure } from '@godwit/core';
import { storageFailure } from './sqlite/database.ts';

/** Copied in one step, in pages of 4 KiB: a megabyte, and between two, appends have their turn. */
const pagesAtOnce = 256;
/** A first step that falls into an append is taken again: an append takes milliseconds, a slow disk's some hundred. */
const firstStep = { tries: 500, againAfterMs: 10 } as const;

/**
 * Copies a database that is open, also while it is written to, to a file that is not there yet.
 *
 * @returns how large the copy is, in bytes
 * @throws Failure `StorageFailed`; then there is no copy
 * @see https://www.sqlite.org/backup.html
 */
export async function copyDatabase(database: DatabaseSync, path: string): Promise<number> {
  try {
    await copyPages(database, path);
    markAsCopy(path);
    return (await stat(path)).size;
  } catch (error) {
    await Promise.all(['', '-wal', '-shm', '-journal'].map((end) => rm(`${path}${end}`, { force: true })));
    throw storageFailure(toFailure(error).cause ?? error, 'cannot copy the file');
  }
}

async function copyPages(database: DatabaseSync, path: string): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      await backup(database, path, { rate: pagesAtOnce });
      return;
    } catch (error) {
      if (tried === firstStep.tries || !isFirstStepRefused(error)) throw error;
      await delay(firstStep.againAfterMs);
    }
  }
}

/**
 * SQLite refuses a step while its own connection is in a transaction. Node takes a later step again by itself, and gives up at
 * the first, with SQLite's code for "not an error".
 *
 * @see https://www.sqlite.org/c3ref/backup_finish.html
 */
function isFirstStepRefused(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 0;
}

function markAsCopy(path: string): void {
  const copy = new DatabaseSync(path);
  try {
    // One file, whole by itself: it is carried about.
    copy.exec('PRAGMA journal_mode = DELETE');
    copy.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('copy', '1')");
    copy.exec("DELETE FROM meta WHERE key = 'unsynced'");
  } finally {
    copy.close();
  }
}
