// Notices that a log may hold less than was told of it: the machine went down under one that was not made to survive that, or it is a
// copy. What is missing nobody can tell from what is held.
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

/** Of webhooks that are in the epoch of their channel, which is the file's where the channel has no row. */
const moveWebhooks = `
  UPDATE webhooks SET record = json_set(record, '$.epoch', ?) WHERE record ->> 'epoch' = coalesce(
    (SELECT epoch FROM channels WHERE name = record ->> 'channel'), (SELECT value FROM meta WHERE key = 'epoch'))`;

/** Of bridges, likewise: their keys name the channel (`positionKey` of `bridges.ts`), their values are offsets. */
const moveBridges = `
  UPDATE meta SET value = ? || substr(value, instr(value, '.')) WHERE key GLOB 'bridge/position/*/*'
  AND substr(value, 1, instr(value, '.') - 1) = coalesce(
    (SELECT epoch FROM channels WHERE name = substr(meta.key, 17, instr(substr(meta.key, 17), '/') - 1)),
    (SELECT epochs.value FROM meta AS epochs WHERE epochs.key = 'epoch'))`;

/** `lost`: the machine went down while the file was not synced. `restored`: it is a copy of a relay's file, made at some time. */
export type BegunAnew = 'lost' | 'restored';

/**
 * Marks the file as in use by a relay that may lose its newest events with the machine, or by one that may not. If it was
 * in such use when the machine went down, or is a copy, every log gets the new epoch, so that offsets which were told and
 * then lost are never taken for those of other events. Answers whether that was so. To be called while commits are synced.
 */
export function markOpened(
  database: DatabaseSync,
  options: { readonly bootId: string | undefined; readonly mayLose: boolean; readonly epoch: string },
): BegunAnew | undefined {
  const { bootId, mayLose, epoch } = options;
  const before = database.prepare("SELECT value FROM meta WHERE key = 'unsynced'").get()?.['value'];
  const hasLost = before !== undefined && bootId !== undefined && before !== bootId;
  const isCopy = database.prepare("SELECT 1 FROM meta WHERE key = 'copy'").get() !== undefined;
  database.exec('BEGIN IMMEDIATE');
  if (hasLost || isCopy) {
    // A webhook's cursor is in the same file, and as old as its log: what it had sent is not sent again.
    database.prepare(moveWebhooks).run(epoch);
    database.prepare(moveBridges).run(epoch);
    database.prepare('UPDATE channels SET epoch = ?').run(epoch);
    database.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(epoch);
  }
  database.exec("DELETE FROM meta WHERE key IN ('unsynced', 'copy')");
  if (mayLose && bootId !== undefined) {
    database.prepare("INSERT INTO meta (key, value) VALUES ('unsynced', ?)").run(bootId);
  }
  database.exec('COMMIT');
  if (isCopy) return 'restored';
  return hasLost ? 'lost' : undefined;
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
