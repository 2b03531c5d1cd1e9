// Leaves some of the disk to what makes room on it: a removal and a trim are written, too, before anything is free again.
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

/** How large a disk is, and how much of it this process may still take. */
export interface Disk {
  readonly bytes: number;
  readonly freeBytes: number;
}

/** What the file is appended to within. */
export interface Room {
  /** Does work that lets the file grow: by no more than leaves what is kept free. What was given up within the file is taken first. */
  within<Result>(work: () => Result): Result;
  /** So many bytes of JSON have been appended. */
  took(bytes: number): void;
}

/**
 * What appends leave free: some 4 MiB may be in SQLite's log of writes and not yet in the file, a step of a removal writes about as
 * much, and twice that is for whoever else writes to the disk. Of a small disk it is a quarter.
 */
const keptBytesMax = 16 * 1024 * 1024;
const keptPart = 1 / 4;
/** A disk that has so many times as much is looked at seldom: no commit grows the file by a half of that. */
const farTimes = 5;
/** How much is appended, and how long others may write, between two looks: one takes a tenth of what an append does. */
const lookAfterBytes = keptBytesMax / 16;
const lookAfterMs = 1000;

/** Makes that of a file. */
export function roomFor(
  database: DatabaseSync,
  {
    path,
    now,
    disk = () => diskOf(dirname(path)),
  }: { readonly path: string; readonly now: () => number; readonly disk?: (() => Disk) | undefined },
): Room {
  const usualPages = pragma('max_page_count');
  const pageBytes = pragma('page_size');
  let left = Infinity;
  let isFar = false;
  let lookedAt = -Infinity;
  let took = 0;

  return {
    within(work) {
      look();
      if (isFar) return work();
      // As many pages again are taken by the log of writes.
      const more = Math.floor(left / 2 / pageBytes);
      database.exec(`PRAGMA max_page_count = ${Math.min(usualPages, pragma('page_count') + more)}`);
      try {
        return work();
      } finally {
        database.exec(`PRAGMA max_page_count = ${usualPages}`);
      }
    },
    took(bytes) {
      took += bytes;
    },
  };

  function look(): void {
    // The clock may have been set back.
    if (isFar && took < lookAfterBytes && Math.abs(now() - lookedAt) < lookAfterMs) return;
    took = 0;
    lookedAt = now();
    const its = disk();
    left = leftOn(its);
    isFar = its.freeBytes >= farTimes * keptOf(its);
  }

  function pragma(name: string): number {
    return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  }
}

/** What may be taken of it. */
export function leftOn(disk: Disk): number {
  return Math.max(0, disk.freeBytes - keptOf(disk));
}

function keptOf({ bytes }: Disk): number {
  return Math.min(keptBytesMax, bytes * keptPart);
}

/** The disk that a folder is on, as its file system says; without an end where that does not say it. */
export function diskOf(folder: string): Disk {
  try {
    const { bsize, blocks, bavail } = statfsSync(folder);
    if (blocks > 0) return { bytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch {
    // What is wrong with the disk, the append itself finds out.
  }
  return { bytes: Infinity, freeBytes: Infinity };
}
