// The relay's one file: opened for this process alone, checked before it is believed, and told what durable means.
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Failure } from '@godwit/core';
import { webhookSchema } from '../../webhooks/tables.ts';
import { makeFolder, makePrivateFile } from '../folder.ts';
import { bootInUse, markOpened, readBootId, reasonToBeginAnew, type BegunAnew } from './boot.ts';
import { changeMark, markIn, strangerAt } from './mark.ts';

/** `fsync`: an acknowledged event survives the loss of power. `os`: it survives the process, and the loss of power unless it is seconds old. */
export type Durability = 'fsync' | 'os';

/** How the file is opened. */
export interface DatabaseOptions {
  readonly path: string;
  readonly durability: Durability;
  /** The largest that the file may grow; whatever the disk holds where it is not said. */
  readonly bytesMax?: number;
  /** Which start of the machine this is; as the machine says, unless told. */
  readonly bootId?: string;
}

/** The file, open. */
export interface OpenDatabase {
  readonly database: DatabaseSync;
  /** Why every log has begun a new epoch, if it has. */
  readonly begunAnew: BegunAnew | undefined;
  /** What an acknowledgement survives: never less than was asked for. */
  readonly durability: Durability;
}

/** Where the file lies in a relay's folder. */
export function fileIn(folder: string): string {
  return join(folder, 'godwit.sqlite');
}

/** "GDWT": a file of ours, whatever its name. */
const applicationId = 0x47445754;
/**
 * The tables' version: with 2 came webhooks, with 3 rows of channels that their segments may be ahead of. An older relay must
 * not write to what it does not know.
 */
const schemaVersion = 3;
/** A relay that is just ending lets go of its file within this. */
const lockWaitMs = 2000;
/** A larger file is checked as it is read: a full check would hold up the start for too long. */
const checkedBytesMax = 256 * 1024 * 1024;
/** The log of writes is cut back to this once it has been moved into the file. */
const walBytesMax = 64 * 1024 * 1024;
const pageBytes = 4096;

const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- name is null on a channel that was removed and whose segments are still to be deleted;
  -- live is 0 where only the epoch is kept, so that no later log takes an old one's offsets for its own.
  -- head, bytes and published are without what the segments behind this head hold, if any: most commits write theirs alone.
  CREATE TABLE channels (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE, live INTEGER NOT NULL, epoch TEXT NOT NULL,
    head INTEGER NOT NULL, tail INTEGER NOT NULL, bytes INTEGER NOT NULL,
    published INTEGER NOT NULL, duplicates INTEGER NOT NULL, refused INTEGER NOT NULL
  );
  -- One row per commit: the events' JSON a line each, and their types likewise. With rowids, so that the key's tree holds numbers
  -- alone: searching one that holds the text reads the whole text of whatever it compares with. A file of an older release has
  -- that one; the same statements read and write both.
  CREATE TABLE segments (
    channel INTEGER NOT NULL, first INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL,
    bytes INTEGER NOT NULL, types TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (channel, first)
  );
  CREATE TABLE ids (
    channel INTEGER NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (channel, source, id)
  ) WITHOUT ROWID;
`;

/**
 * Opens the file, or makes it.
 *
 * @param fresh an epoch, for channels that nobody has removed yet, and a mark, that no file has had
 * @throws Failure `StorageFailed`, saying what is wrong with the file
 */
export function openDatabase(
  options: DatabaseOptions,
  fresh: { readonly epoch: string; readonly mark: string },
): OpenDatabase {
  const { epoch, mark } = fresh;
  const { path, durability, bytesMax, bootId = readBootId() } = options;
  let database: DatabaseSync | undefined;
  try {
    makeFolder(dirname(path));
    makePrivateFile(path);
    const opened = new DatabaseSync(path, { timeout: lockWaitMs });
    database = opened;
    // Before anything is read: the first read takes the lock then, and keeps it until the process ends, however it does.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    database.exec('PRAGMA synchronous = FULL');
    database.exec(`PRAGMA journal_size_limit = ${walBytesMax}`);
    if (bytesMax !== undefined) database.exec(`PRAGMA max_page_count = ${Math.ceil(bytesMax / pageBytes)}`);
    if (statSync(path).size <= checkedBytesMax) assertWhole(database, path);
    const isMade = migrate(database, path, epoch);
    const stranger = isMade ? undefined : strangerAt(path, database);
    const begunAnew = reasonToBeginAnew(database, { bootId, stranger });
    const unsyncedIn = durability === 'os' ? bootId : undefined;
    let isSynced = durability === 'fsync';
    try {
      changeMark(path, { from: markIn(database), to: mark }, () =>
        markOpened(opened, { path, epoch: begunAnew === undefined ? undefined : epoch, unsyncedIn, mark }),
      );
    } catch (error) {
      // On a full disk a file goes on under the mark that it has: what it holds can be read. Not so where that is another log's.
      if (begunAnew !== undefined || !isWithoutRoom(error)) throw error;
      // And not synced only where it says so already.
      isSynced ||= unsyncedIn !== undefined && unsyncedIn !== bootInUse(database);
    }
    if (!isSynced) database.exec('PRAGMA synchronous = NORMAL');
    return { database, begunAnew, durability: isSynced ? 'fsync' : 'os' };
  } catch (error) {
    database?.close();
    const tried = `cannot open ${path}`;
    // Of what is made new or upgraded there is nothing to serve meanwhile: it does not start.
    if (isWithoutRoom(error)) {
      const message = `${tried}: the disk takes no more, and this has to be written first; make room, and start it again`;
      throw new Failure('StorageFailed', message, { cause: error });
    }
    throw storageFailure(error, tried);
  }
}

/** @throws Failure `StorageFailed`, with what to do, where a page of it is not what it should be */
export function assertWhole(database: DatabaseSync, path: string, cure: string = restore): void {
  const found = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  if (found !== 'ok') throw new Failure('StorageFailed', `the database ${path} is damaged (${String(found)}); ${cure}`);
}

/** Answers whether the file has just been made. */
function migrate(database: DatabaseSync, path: string, epoch: string): boolean {
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const version = Number(pragma('user_version'));
  if (pragma('application_id') === applicationId) {
    if (version === schemaVersion) return false;
    if (version === 1 || version === 2) {
      // The tables of 3 are those of 2.
      upgrade(database, version === 1 ? webhookSchema : '');
      return false;
    }
    throw new Failure(
      'StorageFailed',
      `${path} was written by another release (its tables have version ${version}, this one knows ${schemaVersion}); run that release, or name another --data folder`,
    );
  }
  if (version !== 0 || database.prepare('SELECT 1 FROM sqlite_schema').get() !== undefined) {
    throw new Failure('StorageFailed', `${path} is a database, but not a relay's; name another --data folder`);
  }
  upgrade(database, schema + webhookSchema, () => {
    database.prepare("INSERT INTO meta (key, value) VALUES ('epoch', ?)").run(epoch);
    database.exec(`PRAGMA application_id = ${applicationId}`);
  });
  return true;
}

/** All of it, or nothing: a file that is left in half opens as the older one that it was. */
function upgrade(database: DatabaseSync, tables: string, more = (): void => undefined): void {
  database.exec('BEGIN IMMEDIATE');
  database.exec(tables);
  more();
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
  database.exec('COMMIT');
}

const restore = 'restore it from a copy, or move it away to begin with an empty log';
/** SQLite's result codes, and what each means to whoever runs the relay. */
const sentences: Readonly<Record<number, string>> = {
  5: 'it is locked; does another relay run on this file?',
  8: 'it may not be written; does the relay own the file and its folder?',
  10: 'the disk does not answer as it should',
  11: 'it is damaged',
  13: 'the disk is full; nothing was stored. Make room, or remove a channel, and the relay goes on by itself',
  14: 'the file cannot be opened; does the folder exist, and may the relay write there?',
  26: 'it is not a database',
  // SQLITE_IOERR_WRITE: a quota is one, and the largest size that a process may give a file.
  778: 'the disk takes no more, as at the end of a quota; nothing was stored. Make room, and the relay goes on by itself',
};
/** What to do where the file itself is wrong, and is the relay's own. */
const cures: Readonly<Record<number, string>> = {
  11: restore,
  26: 'move the file away, or name another --data folder',
};
/** Room is not made within a second. */
const fullRetryMs = 5000;

/** Whether it was for want of room. */
export function isFullDisk(error: unknown): boolean {
  return error instanceof Failure && isWithoutRoom(error.cause);
}

/** SQLite's words for it, or the file system's. */
function isWithoutRoom(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = 'errcode' in error ? error.errcode : Reflect.get(error, 'code');
  return [13, 778, 'ENOSPC', 'EDQUOT', 'EFBIG'].some((known) => known === code);
}

/** What SQLite or the file system threw, as a failure that says what to do; `isOwn` is false of a file that no relay runs on. */
export function storageFailure(error: unknown, tried: string, isOwn = true): Failure {
  if (error instanceof Failure) return error;
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : Number.NaN;
  // For the code as it is, or for the kind of codes that it is of: `errcode` is an extended one.
  const what = sentences[code] ?? sentences[code & 0xff] ?? (error instanceof Error ? error.message : String(error));
  const cure = isOwn ? cures[code & 0xff] : undefined;
  const message = `${tried}: ${what}${cure === undefined ? '' : `; ${cure}`}`;
  return new Failure('StorageFailed', message, { retryAfterMs: fullRetryMs, cause: error });
}
