// The tables of a device's file, and the way from every older release's to these.
import type { DatabaseSync } from 'node:sqlite';
import { Failure } from '@godwit/core';

/** "GDWD": a device's file, whatever its name. A relay's says otherwise. */
const applicationId = 0x47445744;

/**
 * How the tables came to be: the n-th step leads to version n. A release that changes them adds a step, and never touches
 * those before.
 */
export const steps: readonly string[] = [
  `
  -- device: whose file it is; trim: how far the log has been counted and trimmed.
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- A channel's cursors: places in this log, and offsets of the relay's as JSON.
  CREATE TABLE channels (
    name TEXT PRIMARY KEY, sent INTEGER NOT NULL DEFAULT 0, echo INTEGER NOT NULL DEFAULT 0, read TEXT, recheck TEXT
  ) WITHOUT ROWID;
  -- One row per commit. out: the channel once more, on own segments for the relay; after: unique, so that a page is merged
  -- once; page: a page's offsets and echoes. The events come last, so that nobody reads past them for the rest.
  CREATE TABLE log (
    segment INTEGER PRIMARY KEY, channel TEXT NOT NULL, n INTEGER NOT NULL, bytes INTEGER NOT NULL, at INTEGER NOT NULL,
    out TEXT, after TEXT, last TEXT, gap TEXT, page TEXT, events TEXT NOT NULL
  );
  CREATE INDEX log_out ON log (out) WHERE out IS NOT NULL;
  CREATE UNIQUE INDEX log_after ON log (after) WHERE after IS NOT NULL;
  CREATE TABLE rejected (
    id TEXT PRIMARY KEY, channel TEXT NOT NULL, event TEXT NOT NULL, failure TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE handlers (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE tasks (
    handler TEXT NOT NULL, position INTEGER NOT NULL, state TEXT NOT NULL, key TEXT, attempts INTEGER NOT NULL,
    at NUMERIC NOT NULL, delay NUMERIC NOT NULL, due NUMERIC NOT NULL,
    channel TEXT NOT NULL, "offset" TEXT, failure TEXT, event TEXT NOT NULL, PRIMARY KEY (handler, position)
  ) WITHOUT ROWID;
  -- What is due by its time, and what a clock that jumped back has left in the future.
  CREATE INDEX tasks_due ON tasks (handler, due, position) WHERE state = 'waiting';
  CREATE INDEX tasks_at ON tasks (handler, at, position) WHERE state = 'waiting';
  -- Of a key's live rows those that are not blocked come first.
  CREATE INDEX tasks_live ON tasks (handler, key, (state = 'blocked'), position)
    WHERE key IS NOT NULL AND state IN ('waiting', 'blocked', 'running');
  `,
  // Own events in the log are as they were published, where they were a JSON array: nothing is changed, and an older
  // release, which could not read them, says so.
  '',
];

/**
 * The version of the file's tables; 0 where there are none yet. Changes nothing.
 *
 * @throws Failure `Outdated` when a newer release has written the file, `StorageFailed` when it is not a device's
 */
export function versionOf(database: DatabaseSync, file: string, path: readonly string[] = steps): number {
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const version = Number(pragma('user_version'));
  if (pragma('application_id') !== applicationId) {
    if (version === 0 && database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined) return 0;
    throw new Failure('StorageFailed', `${file} is a database, but not a device's; name another \`file\``);
  }
  if (version <= path.length) return version;
  throw new Failure(
    'Outdated',
    `${file} was written by a newer release (its tables have version ${version}, this one knows ${path.length}); run that release, or name another \`file\``,
  );
}

/** Brings the tables from a version to the newest: all of it, or nothing. A file that had none becomes this device's. */
export function upgrade(
  database: DatabaseSync,
  parts: { readonly version: number; readonly deviceId: string; readonly path?: readonly string[] | undefined },
): void {
  const { version, deviceId, path = steps } = parts;
  if (version === path.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const step of path.slice(version)) database.exec(step);
    if (version === 0) database.prepare("INSERT INTO meta (key, value) VALUES ('device', ?)").run(deviceId);
    database.exec(`PRAGMA application_id = ${applicationId}`);
    database.exec(`PRAGMA user_version = ${path.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
