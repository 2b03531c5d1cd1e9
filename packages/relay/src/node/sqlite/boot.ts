// Notices that the machine went down under a log that was not made to survive it: what was lost nobody can tell from what is held.
import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** Where Linux says which start of the machine this is (proc_sys_kernel(5)). Elsewhere nothing can be noticed. */
const bootIdPath = '/proc/sys/kernel/random/boot_id';

/** This start of the machine; undefined where the platform does not say. */
export function readBootId(): string | undefined {
  try {
    return readFileSync(bootIdPath, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Marks the file as in use by a relay that may lose its newest events with the machine, or by one that may not. If it was
 * in such use when the machine went down, every log gets the new epoch, so that offsets which were told and then lost are
 * never taken for those of other events. Answers whether that was so. To be called while commits are synced.
 */
export function markOpened(
  database: DatabaseSync,
  options: { readonly bootId: string | undefined; readonly mayLose: boolean; readonly epoch: string },
): boolean {
  const { bootId, mayLose, epoch } = options;
  const before = database.prepare("SELECT value FROM meta WHERE key = 'unsynced'").get()?.['value'];
  const hasLost = before !== undefined && bootId !== undefined && before !== bootId;
  database.exec('BEGIN IMMEDIATE');
  if (hasLost) {
    database.prepare('UPDATE channels SET epoch = ?').run(epoch);
    database.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(epoch);
  }
  database.exec("DELETE FROM meta WHERE key = 'unsynced'");
  if (mayLose && bootId !== undefined) {
    database.prepare("INSERT INTO meta (key, value) VALUES ('unsynced', ?)").run(bootId);
  }
  database.exec('COMMIT');
  return hasLost;
}

/** Says that all is on disk. */
export function markClosed(database: DatabaseSync): void {
  try {
    database.exec('PRAGMA synchronous = FULL');
    database.exec("DELETE FROM meta WHERE key = 'unsynced'");
  } catch {
    // On a full disk, say: the mark stays, and costs readers no more than a gap, if the machine goes down before the next start.
  }
}
