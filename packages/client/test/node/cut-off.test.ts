// What a crash leaves of SQLite's journal, cut off at any place of what one commit writes: all of that commit, or nothing.
import { copyFile, mkdir, truncate, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { contentsOf, filled, storeChanges } from '@godwit/core/contracts';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../src/node/index.ts';
import { freshFile, world } from './device.ts';

/** A page of a new file, and the head that the journal gives it. */
const frameBytes = 16_384 + 24;

test.each(storeChanges)('%s, its journal cut off anywhere, is there as a whole or not at all', async (_, make) => {
  const file = await freshFile();
  const store = openSqliteStore({ file, world, durability: 'fsync' });
  const record = await filled(store);
  const before = await contentsOf(store);
  const from = await journalBytes(file);
  await make(store, record);
  const after = await contentsOf(store);
  const to = await journalBytes(file);
  expect(after).not.toEqual(before);
  expect(to).toBeGreaterThan(from);
  // Between any two pages, and in the middle of each.
  for (let bytes = from; bytes < to; bytes += frameBytes / 2) {
    expect(await crashed(file, bytes), `behind ${bytes - from} of ${to - from} bytes`).toEqual(before);
  }
  expect(await crashed(file, to)).toEqual(after);
  await store.close();
});

async function journalBytes(file: string): Promise<number> {
  return (await stat(`${file}-wal`)).size;
}

/** What is found by whoever opens what a crash has left, so many bytes of the journal and what the file held meanwhile. */
async function crashed(file: string, bytes: number): Promise<unknown> {
  const copy = join(dirname(file), `after ${bytes}`, 'device.sqlite');
  await mkdir(dirname(copy), { recursive: true });
  for (const part of ['', '-wal']) await copyFile(`${file}${part}`, `${copy}${part}`);
  await truncate(`${copy}-wal`, bytes);
  const store = openSqliteStore({ file: copy, world, durability: 'fsync' });
  const contents = await contentsOf(store);
  await store.close();
  return contents;
}
