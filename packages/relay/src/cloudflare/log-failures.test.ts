// A storage that fails, or takes its time: what is not on disk was never said.
import type { LogNews } from '@godwit/core';
import { expect, test } from 'vitest';
import { newObject, openLogs } from './testing/objects.ts';
import { eventOf, replace, tablesIn } from './testing/storage.ts';

const earliest = 'earliest' as const;

test('a storage that fails within the transaction keeps nothing, and the next append succeeds', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    let isFull = true;
    const transactionSync = <Result>(run: () => Result): Result =>
      storage.transactionSync(() => {
        const result = run();
        if (isFull) throw new Error('database or disk is full');
        return result;
      });
    const log = await openLogs(replace(storage, { transactionSync })).open('room');
    const news: LogNews[] = [];
    log.follow((item) => news.push(item));
    await expect(log.append([eventOf('a')], 0)).rejects.toMatchObject({
      name: 'StorageFailed',
      message: 'an append failed, and nothing was kept; the storage said: database or disk is full',
    });
    expect(news).toEqual([]);
    expect(tablesIn(storage)).toBe(0);
    isFull = false;
    expect(await log.append([eventOf('a')], 0)).toEqual([{ status: 'appended', sequence: 1 }]);
    expect(news).toHaveLength(1);
  });
});

test('what did not reach the disk is neither acknowledged nor announced nor read, and nothing follows it', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    let sync = (): Promise<void> => storage.sync();
    const log = await openLogs(replace(storage, { sync: () => sync() })).open('room');
    await log.append([eventOf('a')], 0);
    const news: LogNews[] = [];
    log.follow((item) => news.push(item));
    sync = () => Promise.reject(new Error('the disk is gone'));
    await expect(log.append([eventOf('b')], 0)).rejects.toMatchObject({ name: 'StorageFailed' });
    sync = () => storage.sync();
    await expect(log.append([eventOf('c')], 0)).rejects.toMatchObject({ name: 'StorageFailed' });
    expect(news).toEqual([]);
    expect((await log.read(earliest, 10)).records).toHaveLength(1);
  });
});

test('nobody reads an event before it is on disk, nor a hole while a trim is under way', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    let reached = Promise.withResolvers<void>();
    let release = Promise.withResolvers<void>();
    let isHeld = false;
    const sync = async (): Promise<void> => {
      reached.resolve();
      if (isHeld) await release.promise;
      await storage.sync();
    };
    const log = await openLogs(replace(storage, { sync })).open('room');
    await log.append([eventOf('a'), eventOf('b')], 0);
    const { epoch } = await log.stat();
    isHeld = true;
    reached = Promise.withResolvers();
    const append = log.append([eventOf('c')], 0);
    await reached.promise;
    expect(await log.read(earliest, 10)).toMatchObject({ head: 2, records: [{ sequence: 1 }, { sequence: 2 }] });
    release.resolve();
    await append;

    reached = Promise.withResolvers();
    release = Promise.withResolvers();
    const trim = log.trim({ before: Number.POSITIVE_INFINITY, bytesMax: 0 });
    await reached.promise;
    expect(await log.read({ epoch, sequence: 1 }, 10)).toMatchObject({
      gap: { missed: 2, reason: 'retention' },
      records: [],
    });
    release.resolve();
    expect(await trim).toBe(3);
  });
});
