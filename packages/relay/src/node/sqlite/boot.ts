// Notices that a log may hold less than was told of it: the machine went down under one that was not made to survive that, or it is a
// copy. What is missing nobody can tell from what is held.
import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { renewMark, writeMark, writePlace, type Stranger } from './mark.ts';

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

/** `lost`: the machine went down while the file was not synced. `restored`: it is a backup. */
export type BegunAnew = 'lost' | 'restored' | Stranger;

/**
 * Whether every log is to begin a new epoch, and why: the machine went down while the file was in use by a relay that may lose
 * its newest events with it; or it is a copy, or a stranger. Offsets that were told are never taken for those of other events.
 */
export function reasonToBeginAnew(
  database: DatabaseSync,
  signs: { readonly bootId: string | undefined; readonly stranger: Stranger | undefined },
): BegunAnew | undefined {
  const { bootId, stranger } = signs;
  const isCopy = database.prepare("SELECT 1 FROM meta WHERE key = 'copy'").get() !== undefined;
  if (isCopy) return 'restored';
  const before = bootInUse(database);
  return before !== undefined && bootId !== undefined && before !== bootId ? 'lost' : stranger;
}

/** The start of the machine in which the file was last in use by a relay that may lose its newest events. */
export function bootInUse(database: DatabaseSync): unknown {
  return database.prepare("SELECT value FROM meta WHERE key = 'unsynced'").get()?.['value'];
}

/** What is written into a file as it is opened. */
export interface Opening {
  readonly path: string;
  /** That every log gets; undefined where each keeps its own. */
  readonly epoch: string | undefined;
  /** This start of the machine, where it may take the newest events with it. */
  readonly unsyncedIn: string | undefined;
  readonly mark: string;
}

/** Marks the file as in use. To be called while commits are synced. */
export function markOpened(database: DatabaseSync, opening: Opening): void {
  const { path, epoch, unsyncedIn, mark } = opening;
  database.exec('BEGIN IMMEDIATE');
  try {
    if (epoch !== undefined) beginAnew(database, epoch);
    database.exec("DELETE FROM meta WHERE key IN ('unsynced', 'copy')");
    if (unsyncedIn !== undefined) {
      database.prepare("INSERT INTO meta (key, value) VALUES ('unsynced', ?)").run(unsyncedIn);
    }
    writeMark(database, mark);
    writePlace(database, path);
    database.exec('COMMIT');
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}

function beginAnew(database: DatabaseSync, epoch: string): void {
  // A webhook's cursor is in the same file, and as old as its log: what it had sent is not sent again.
  database.prepare(moveWebhooks).run(epoch);
  database.prepare(moveBridges).run(epoch);
  database.prepare('UPDATE channels SET epoch = ?').run(epoch);
  database.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(epoch);
}

/** Says that all is on disk, and lets no copy that was made before pass for it. */
export function markClosed(database: DatabaseSync, path: string, mark: string): void {
  try {
    database.exec('PRAGMA synchronous = FULL');
    database.exec("DELETE FROM meta WHERE key = 'unsynced'");
    renewMark(path, database, mark);
  } catch {
    // On a full disk, say: the mark stays, and costs readers no more than a gap, if the machine goes down before the next start.
  }
}
