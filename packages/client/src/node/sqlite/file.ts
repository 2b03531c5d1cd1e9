// The files that this process has open: whoever opens one again shares its connection, as tabs share a database.
import type { DatabaseSync } from 'node:sqlite';
import { createMemoryDevice, Failure, type MemoryDevice } from '@godwit/core';
import { inMemory, openDatabase, type DatabaseOptions } from './database.ts';
import { storageFailure } from './failures.ts';
import { fileAt, realPath, removeDatabase } from './paths.ts';
import { prepareTables, readDevice, type Tables } from './tables.ts';

/**
 * What a commit waits for. `fsync`: the disk, so it survives the loss of power. `os`: the operating system, so it survives
 * the death of the process, and the loss of power unless it is seconds old; what is lost then is the newest, and never a
 * part of a commit.
 */
export type Durability = 'fsync' | 'os';

/** A file, open to one user of several. */
export interface OpenFile {
  readonly deviceId: string;
  /** Those who share the file share an election. */
  readonly device: MemoryDevice;
  /** @throws Failure `Closed` */
  assertOpen(): void;
  /** Runs one transaction: when this answers all of it is committed, and when it throws nothing is. `what` says what was tried. */
  transact<Result>(what: string, work: (tables: Tables) => Result): Result;
  /** Reads: nothing comes in between, since nobody else has the file, and this thread is busy. */
  read<Result>(what: string, work: (tables: Tables) => Result): Result;
  /** Lets go; the last one closes the file. Doing it twice is doing it once. */
  close(): void;
  /** Closes the file for all who share it, and deletes it. */
  destroy(): void;
}

/** A file, and all its users. */
interface SharedFile {
  /** Its real path. */
  readonly path: string;
  /** Which file that is: it may be deleted, or replaced, by whoever is allowed to. */
  readonly file: string | undefined;
  readonly database: DatabaseSync;
  readonly tables: Tables;
  readonly device: MemoryDevice;
  readonly deviceId: string;
  readonly users: Set<OpenFile>;
  /** As the connection has it now. */
  durability: Durability | undefined;
  /** Closed, with all it was; `destroyed` also from the disk. */
  ended: 'closed' | 'destroyed' | undefined;
}

/**
 * By their real paths. State of the module, since what it stands for is the process's as well: SQLite's lock on a file,
 * which no second connection would get.
 */
const files = new Map<string, SharedFile>();

/**
 * Opens a file, or joins those of this process who have it open.
 *
 * @throws Failure `StorageFailed`, saying what is wrong with the file; `Outdated` when a newer release has written it
 */
export function openFile(options: DatabaseOptions & { readonly durability: Durability }): OpenFile {
  const { durability } = options;
  const shared = share(options);
  const { path, database, tables, deviceId, device, users } = shared;

  const user: OpenFile = {
    deviceId,
    device,
    assertOpen,
    transact(what, work) {
      assertOpen();
      // A commit to a file without a name would be told as stored, and be gone with the process.
      if (isGone(shared)) throw gone(path);
      return attempt(what, () => {
        // Another user may promise more, or less. It cannot be changed within a transaction.
        if (shared.durability !== durability) setDurability(durability);
        return transact(database, () => work(tables));
      });
    },
    read(what, work) {
      assertOpen();
      return attempt(what, () => work(tables));
    },
    close() {
      users.delete(user);
      if (users.size === 0) attempt(`close ${path}`, () => end(shared, 'closed'));
    },
    destroy() {
      users.delete(user);
      if (shared.ended === 'destroyed') return;
      attempt(`delete ${path}`, () => destroy(shared));
    },
  };
  users.add(user);
  return user;

  function assertOpen(): void {
    if (shared.ended === 'destroyed') {
      throw new Failure('Closed', 'the database was destroyed, perhaps by another runtime; create another');
    }
    if (!users.has(user)) throw new Failure('Closed', 'the store is closed; open another');
  }

  function setDurability(next: Durability): void {
    database.exec(`PRAGMA synchronous = ${next === 'fsync' ? 'FULL' : 'NORMAL'}`);
    shared.durability = next;
  }
}

function share(options: DatabaseOptions): SharedFile {
  const known = files.get(realPath(options.file));
  if (known !== undefined && !isGone(known)) return known;
  const database = openDatabase(options);
  // Asked again: a link may have led nowhere, and the folder may not have been there.
  const path = realPath(options.file);
  const { tables, deviceId } = attempt(`open ${path}`, () => prepared(database));
  const shared: SharedFile = {
    path,
    file: path === inMemory ? undefined : fileAt(path),
    database,
    tables,
    deviceId,
    device: createMemoryDevice(),
    users: new Set(),
    durability: undefined,
    ended: undefined,
  };
  // In memory, each is another.
  if (path !== inMemory) files.set(path, shared);
  return shared;
}

function prepared(database: DatabaseSync): Pick<SharedFile, 'tables' | 'deviceId'> {
  try {
    const tables = prepareTables(database);
    return { tables, deviceId: readDevice(tables) };
  } catch (error) {
    database.close();
    throw error;
  }
}

function destroy(shared: SharedFile): void {
  const { path, deviceId } = shared;
  // What has that path now, if anything, is not what this was.
  const isOurs = path !== inMemory && !isGone(shared);
  const holder = files.get(path);
  // Closed here, it may be another process's by now: then it is locked, and stays.
  if (isOurs && holder === undefined) openDatabase({ file: path, deviceId }).close();
  end(shared, 'destroyed');
  if (!isOurs) return;
  // Somebody of this process may have opened it since: it goes all the same, and they are told.
  if (holder !== undefined) end(holder, 'destroyed');
  removeDatabase(path);
}

function isGone({ path, file }: SharedFile): boolean {
  return path !== inMemory && fileAt(path) !== file;
}

function gone(path: string): Failure {
  return new Failure(
    'StorageFailed',
    `${path} was deleted or replaced while it was in use, and what it held is gone; create another runtime, which is a new device`,
  );
}

function end(shared: SharedFile, how: 'closed' | 'destroyed'): void {
  const { path, database, users, ended } = shared;
  if (ended === 'destroyed') return;
  shared.ended = how;
  users.clear();
  if (ended === 'closed') return;
  if (files.get(path) === shared) files.delete(path);
  database.close();
}

function transact<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk may have rolled it back already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function attempt<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw storageFailure(what, error);
  }
}
