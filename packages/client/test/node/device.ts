// Devices for the store's contracts: folders with a file for each user, gone with their test.
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { worldOf, type Store } from '@godwit/core';
import type { StoreDevice } from '@godwit/core/contracts';
import { onTestFinished } from 'vitest';
import { openSqliteStore, type Durability } from '../../src/node/index.ts';
import { openFile } from '../../src/node/sqlite/file.ts';
import type { Tables } from '../../src/node/sqlite/tables.ts';

/** The world that the tests run in. */
export const world = worldOf(globalThis);

/** A path in a folder of its own. */
export async function freshFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-client-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'device.sqlite');
}

/** A device whose stores are opened like this: users have a file each, tabs share one. */
export function sqliteDevice(durability: Durability): StoreDevice {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-client-'));
  const stores: Store[] = [];
  const fileOf = (user: string): string => join(folder, `${user}.sqlite`);
  return {
    async open(user = 'nobody') {
      const store = openSqliteStore({ file: fileOf(user), world, durability });
      stores.push(store);
      return store;
    },
    moveReadBack: (channel, offset) =>
      shared(({ database }) => {
        database.prepare('UPDATE channels SET read = ? WHERE name = ?').run(JSON.stringify(offset), channel);
      }),
    rejected: () =>
      shared(({ database }) =>
        database
          .prepare('SELECT id FROM rejected')
          .all()
          .map(({ id }) => String(id)),
      ),
    async dispose() {
      await Promise.all(stores.map((store) => store.close()));
      rmSync(folder, { recursive: true });
    },
  };

  /** The file is locked to every other connection. */
  async function shared<Result>(work: (tables: Tables) => Result): Promise<Result> {
    const file = openFile({ file: fileOf('nobody'), durability, deviceId: world.id() });
    try {
      return file.transact('look behind the store', work);
    } finally {
      file.close();
    }
  }
}

/** Reads or writes a file past the store. Nobody has it open then. */
export function raw<Result>(file: string, work: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}
