// Backups on request: one at a time, through a file that is gone as soon as it is opened.
import { rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { Failure } from '@godwit/core';
import type { Backup } from '../routes/parts.ts';
import { copyDatabase } from './backup.ts';
import { makePrivateFile } from './folder.ts';
import { diskOf, leftOn, type Disk } from './sqlite/room.ts';

/** Whoever comes while another's copy is made comes back then; a gigabyte takes some seconds. */
const busyRetryMs = 10_000;

/** Makes copies of a file, beside it: that is where it has room, and who may read. */
export function createBackups(
  database: DatabaseSync,
  folder: string,
  disk: () => Disk = () => diskOf(folder),
): () => Promise<Backup> {
  const path = join(folder, 'godwit.backup');
  let isBusy = false;
  // What an earlier process did not get to the end of: as large as the relay's own file, perhaps.
  for (const end of ['', '-journal']) rmSync(`${path}${end}`, { force: true });
  return async () => {
    if (isBusy) {
      throw new Failure('RateLimited', 'another backup is being made; come back when it is done', {
        retryAfterMs: busyRetryMs,
      });
    }
    // As long as it is on its way, however slowly that is, events would find no room.
    const needed = sizeOf(database);
    if (needed > leftOn(disk())) {
      throw new Failure(
        'StorageFailed',
        `there is no room for a copy of ${needed} bytes beside the relay's file, with what events need; make room, or copy it while the relay does not run (--data)`,
      );
    }
    isBusy = true;
    try {
      makePrivateFile(path);
      const bytes = await copyDatabase(database, path);
      const file = await open(path, 'r');
      await rm(path);
      return { body: Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>, bytes };
    } finally {
      isBusy = false;
    }
  };
}

function sizeOf(database: DatabaseSync): number {
  const pragma = (name: string): number => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  return pragma('page_count') * pragma('page_size');
}
