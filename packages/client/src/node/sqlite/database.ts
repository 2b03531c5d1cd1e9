// A device's one file: opened for this process alone, checked before it is believed.
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { damaged, storageFailure } from './failures.ts';
import { upgrade, versionOf } from './schema.ts';

/** What stands for a database that is lost with the process. */
export const inMemory = ':memory:';

/** How a file is opened. */
export interface DatabaseOptions {
  /** Its whole path, or `inMemory`. */
  readonly file: string;
  /** The largest that the file may grow, in bytes; whatever the disk holds where it is not said. */
  readonly bytesMax?: number | undefined;
  /** For a file that has no device yet. */
  readonly deviceId: string;
  /** How the tables came to be, as `steps` has it. */
  readonly steps?: readonly string[] | undefined;
}

/** A process that is just ending lets go of its file within this. */
const lockWaitMs = 2000;
/** A larger file is checked as it is read: a full check would hold up the start for too long. */
const checkedBytesMax = 256 * 1024 * 1024;
/** The log of writes is cut back to this once it has been moved into the file. */
const walBytesMax = 64 * 1024 * 1024;
/** A new file's pages: a burst's segments take a quarter of the writes that SQLite's usual 4 KiB would need. */
const newPageBytes = 16_384;

/**
 * Opens the file, or makes it, and its folder.
 *
 * @throws Failure `StorageFailed`, saying what is wrong with the file; `Outdated` when a newer release has written it
 */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const { file, bytesMax, deviceId, steps: path } = options;
  let database: DatabaseSync | undefined;
  try {
    if (file !== inMemory) prepareFolder(file);
    database = new DatabaseSync(file, { timeout: lockWaitMs });
    // Before anything is read: the first read takes the lock then, and the system gives it back when the process ends,
    // however it does.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    const version = versionOf(database, file, path);
    // A file that is there keeps the pages it has.
    database.exec(`PRAGMA page_size = ${newPageBytes}`);
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    database.exec(`PRAGMA journal_size_limit = ${walBytesMax}`);
    if (bytesMax !== undefined) {
      database.exec(`PRAGMA max_page_count = ${Math.ceil(bytesMax / pageBytesOf(database))}`);
    }
    if (file !== inMemory) check(database, file);
    upgrade(database, { version, deviceId, path });
    return database;
  } catch (error) {
    database?.close();
    throw storageFailure(`open ${file}`, error);
  }
}

function pageBytesOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA page_size').get()?.['page_size']);
}

function prepareFolder(file: string): void {
  makeFolder(dirname(file));
  // SQLite would take a file that it may only read, fail to lock it, and blame the disk.
  if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
}

/** Node's own `recursive` never ends where a file system makes no folders, as `/proc`. */
function makeFolder(path: string): void {
  const parent = dirname(path);
  // The last of these is a drive that is not there.
  if (existsSync(path) || parent === path) return;
  makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!existsSync(path)) throw error;
  }
}

function check(database: DatabaseSync, file: string): void {
  if (statSync(file).size > checkedBytesMax) return;
  const found = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  if (found !== 'ok') throw damaged(file, String(found));
}
