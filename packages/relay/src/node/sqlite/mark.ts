// Knows the relay's file from another that was put in its place: an older one, or a copy. Within an epoch these hold other events at
// offsets that readers know, or will. SQLite cannot tell: each is a whole database.
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

/** `replaced`: it is not the one that was last used here. `copied`: it is that one, or what was copied with all that lay beside it. */
export type Stranger = 'replaced' | 'copied';

/** In the name of the empty file beside it: `godwit.sqlite.mark-THIS`, or `…-THIS-NEXT` while the mark changes. */
const between = '-';
const suffix = '.mark-';

/**
 * Says whether a file is the one that a relay has left here, by two signs. Its mark, which changes with each start and end, stands
 * within it, and in the name of a file beside it: an older copy has an older mark, and a name as nothing overwrites it, whatever
 * is copied over the folder. And its place, by which the file system knows a file whose folder is moved from one that is a copy.
 *
 * To be called with the file locked. A file of a release that knew no marks is taken as it is.
 */
export function strangerAt(path: string, database: DatabaseSync): Stranger | undefined {
  if (!isMarked(path, markIn(database))) return 'replaced';
  const place = read(database, 'place');
  return place === undefined || isSamePlace(place, placeOf(path)) ? undefined : 'copied';
}

/** The mark that stands in the file; empty where none does yet. */
export function markIn(database: DatabaseSync): string {
  return read(database, 'mark') ?? '';
}

/**
 * Changes the mark. `commit` writes the new one into the file: before it both count, so that a relay which dies between any two
 * steps finds its own file; afterwards the new one alone.
 */
export function changeMark<T>(path: string, marks: { readonly from: string; readonly to: string }, commit: () => T): T {
  const { from, to } = marks;
  // Of a stranger nothing is believed until the file itself says that it has been noticed.
  if (isMarked(path, from)) nameMark(path, from + between + to);
  const result = commit();
  nameMark(path, to);
  return result;
}

/** Changes the mark of a file that a relay is using; not of one that has lost the name beside it meanwhile: its next start says so. */
export function renewMark(path: string, database: DatabaseSync, to: string): void {
  const from = markIn(database);
  if (isMarked(path, from)) changeMark(path, { from, to }, () => writeMark(database, to));
}

/** Puts a mark into the file. */
export function writeMark(database: DatabaseSync, mark: string): void {
  write(database, 'mark', mark);
}

/** Puts into the file where it is. */
export function writePlace(database: DatabaseSync, path: string): void {
  write(database, 'place', placeOf(path));
}

/** A mark that no file has had. */
export function newMark(id: string): string {
  return id.replaceAll(between, '');
}

/** Whether what lies beside a file knows it by its mark. */
function isMarked(path: string, mark: string): boolean {
  const [name, ...others] = marksBeside(path);
  if (name === undefined) return mark === '';
  return others.length === 0 && name.split(between).includes(mark);
}

function nameMark(path: string, name: string): void {
  const fileOf = (mark: string): string => `${path}${suffix}${mark}`;
  const [first, ...others] = marksBeside(path);
  if (first === undefined) writeFileSync(fileOf(name), '');
  else renameSync(fileOf(first), fileOf(name));
  for (const other of others) rmSync(fileOf(other), { force: true });
  syncFolder(dirname(path));
}

function marksBeside(path: string): readonly string[] {
  const prefix = basename(path) + suffix;
  return readdirSync(dirname(path)).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}

/** A name that was changed is on disk before what is written next. */
function syncFolder(folder: string): void {
  let handle: number;
  try {
    handle = openSync(join(folder, '.'), 'r');
  } catch {
    // Windows opens no folders, and writes their changes down in their order by itself.
    return;
  }
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The number of the file in its file system, which another file may get when it is gone, and when it was made: 0 where nobody knows. */
function placeOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${ino}.${birthtimeNs}`;
}

function isSamePlace(one: string, two: string): boolean {
  const [[ino, born], [otherIno, otherBorn]] = [one.split('.'), two.split('.')];
  // A newer kernel may know what an older did not.
  return ino === otherIno && (born === otherBorn || born === '0' || otherBorn === '0');
}

function read(database: DatabaseSync, key: string): string | undefined {
  const value = database.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value'];
  return typeof value === 'string' ? value : undefined;
}

function write(database: DatabaseSync, key: string, value: string): void {
  database.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value);
}
