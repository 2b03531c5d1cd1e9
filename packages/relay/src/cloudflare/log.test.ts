// What only a log in a Durable Object promises, beside the contract of all logs.
import type { CloudEvent, LogNews } from '@godwit/core';
import { logContract } from '@godwit/core/testing';
import { evictDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { IdentityHash } from './hash.ts';
import type { LogStorage } from './tables.ts';
import { createObjectLogs, newObject, openLogs } from './testing/objects.ts';
import { createWorkersWorld } from './world.ts';

logContract('in the SQL storage of a Durable Object', async () => {
  let logs = createObjectLogs(createWorkersWorld());
  return {
    logs,
    close: () => logs.close(),
    async reopen() {
      logs = await logs.restart();
      return logs;
    },
  };
});

const earliest = 'earliest' as const;

function eventOf(id: string, extra: Partial<CloudEvent> = {}): CloudEvent {
  return { specversion: '1.0', id, source: 'alice', type: 'todo.added', data: { title: id }, ...extra };
}

test('an object that comes back holds everything it acknowledged, and knows its duplicates', async () => {
  const { stub, inside } = newObject();
  const before = await inside(async (storage) => {
    const log = await openLogs(storage).open('room');
    await log.append([eventOf('a'), eventOf('b')], 1);
    await log.append([eventOf('c'), eventOf('a')], 0);
    return { stat: await log.stat(), page: await log.read(earliest, 10) };
  });
  await evictDurableObject(stub);
  await inside(async (storage) => {
    const log = await openLogs(storage).open('room');
    expect(await log.stat()).toEqual(before.stat);
    expect(await log.read(earliest, 10)).toEqual(before.page);
    expect(await log.append([eventOf('b'), eventOf('d'), eventOf('c')], 0)).toEqual([
      { status: 'duplicate', sequence: 2 },
      { status: 'appended', sequence: 4 },
      { status: 'duplicate', sequence: 3 },
    ]);
  });
});

test('identities whose hashes collide are still told apart, also after a restart', async () => {
  const { stub, inside } = newObject();
  const hash = collide;
  await inside(async (storage) => {
    const log = await openLogs(storage, { hash }).open('room');
    const [first, ...rest] = await log.append([eventOf('a'), eventOf('b'), eventOf('a', { source: 'bob' })], 0);
    expect([first, ...rest].map((outcome) => outcome?.status)).toEqual(['appended', 'appended', 'appended']);
    expect(await log.append([eventOf('b'), eventOf('c')], 0)).toEqual([
      { status: 'duplicate', sequence: 2 },
      { status: 'appended', sequence: 4 },
    ]);
  });
  await evictDurableObject(stub);
  await inside(async (storage) => {
    const log = await openLogs(storage, { hash }).open('room');
    expect(await log.append([eventOf('a', { source: 'bob' }), eventOf('d')], 0)).toEqual([
      { status: 'duplicate', sequence: 3 },
      { status: 'appended', sequence: 5 },
    ]);
  });
});

test('an append writes two rows at most, however many events it holds', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    let cursors: { readonly rowsWritten: number }[] = [];
    const sql = new Proxy(storage.sql, {
      get: (target, name) =>
        name === 'exec'
          ? (query: string, ...bindings: unknown[]) => {
              const cursor = target.exec(query, ...bindings);
              cursors.push(cursor);
              return cursor;
            }
          : Reflect.get(target, name),
    });
    const log = await openLogs(pass(storage, { sql })).open('room');
    await log.append([eventOf('first')], 0);
    const written = async (append: Promise<unknown>): Promise<number> => {
      cursors = [];
      await append;
      return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
    };
    const many = Array.from({ length: 1000 }, (_, index) => eventOf(`${index}`));
    expect(await written(log.append(many, 3))).toBe(2);
    expect(await written(log.append([eventOf('x')], 0))).toBe(2);
    expect(await written(log.append(many, 0))).toBe(1);
  });
});

test('a channel that was only read stores nothing', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const logs = openLogs(storage);
    const log = await logs.open('room');
    expect((await log.read('latest', 10)).records).toEqual([]);
    expect((await log.stat()).head).toBe(0);
    expect(await log.trim({ before: 0, bytesMax: 0 })).toBe(0);
    expect(await logs.channels()).toEqual([]);
    expect(await logs.remove('room')).toBe(false);
    expect(tablesIn(storage)).toBe(0);
  });
});

test('a removed channel leaves an empty object, and begins in another epoch', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const logs = openLogs(storage);
    const log = await logs.open('room');
    await log.append([eventOf('a')], 0);
    const { epoch } = await log.stat();
    const [removed, reopened] = await Promise.all([logs.remove('room'), logs.open('room')]);
    expect(removed).toBe(true);
    expect(tablesIn(storage)).toBe(0);
    await expect(log.append([eventOf('b')], 0)).rejects.toMatchObject({ name: 'Closed' });
    expect((await reopened.stat()).epoch).not.toBe(epoch);
    expect(await reopened.append([eventOf('a')], 0)).toEqual([{ status: 'appended', sequence: 1 }]);
  });
});

test('an append larger than a row takes several, and is read back whole', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const log = await openLogs(storage).open('room');
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const events = ids.map((id) => eventOf(id, { data: '€'.repeat(240_000) }));
    await log.append(events, 0);
    expect(rowsIn(storage)).toBe(3);
    const read: unknown[] = [];
    for (let sequence = 0; sequence < 5; ) {
      const { epoch } = await log.stat();
      const { records } = await log.read({ epoch, sequence }, 10);
      for (const { json } of records) read.push(Object(JSON.parse(json)).id);
      sequence = records.at(-1)?.sequence ?? Number.POSITIVE_INFINITY;
    }
    expect(read).toEqual(ids);
    expect((await log.append(events, 0)).every(({ status }) => status === 'duplicate')).toBe(true);
  });
});

test('an event that no row can hold is refused, and its neighbours of the same append with it', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const log = await openLogs(storage).open('room');
    const huge = eventOf('huge', { data: 'x'.repeat(2_500_000) });
    await expect(log.append([eventOf('a'), huge], 0)).rejects.toMatchObject({
      name: 'StorageFailed',
      message: expect.stringContaining('no row of a Durable Object holds more than 2 MB; lower `eventBytesMax`'),
    });
    expect((await log.stat()).published).toBe(0);
    expect(await log.append([eventOf('a')], 0)).toEqual([{ status: 'appended', sequence: 1 }]);
  });
});

test('hostile text comes back as it went in', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const log = await openLogs(storage).open('room');
    const hostile = ['\r', '\n', '\r\n', '\t', '\0', '\uFEFF', '\uD800', '\uDC00', '"', '\\', '\u2028', '', '😀'];
    const events = hostile.map((text, index) => eventOf(`${text}${index}`, { type: `t${text}`, data: text }));
    await log.append(events, 0);
    const { records } = await log.read(earliest, 100);
    expect(records.map(({ type }) => type)).toEqual(hostile.map((text) => `t${text}`));
    expect(records.map(({ json }) => Object(JSON.parse(json)).data)).toEqual(hostile);
    expect(records.every(({ json }) => !/[\r\n]/.test(json))).toBe(true);
  });
});

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
    const log = await openLogs(pass(storage, { transactionSync })).open('room');
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
    const log = await openLogs(pass(storage, { sync: () => sync() })).open('room');
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
    const log = await openLogs(pass(storage, { sync })).open('room');
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

test('beyond the most events that memory allows, the oldest eighth goes, and readers are told', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const log = await openLogs(storage, { eventsMax: 16 }).open('room');
    const { epoch } = await log.stat();
    for (let index = 1; index <= 17; index += 1) await log.append([eventOf(`${index}`)], 0);
    const { tail, head, published, bytes } = await log.stat();
    expect({ tail, head, published }).toEqual({ tail: 4, head: 17, published: 17 });
    const page = await log.read({ epoch, sequence: 1 }, 100);
    expect(page).toMatchObject({ gap: { missed: 2, reason: 'retention' } });
    expect(bytes).toBe(page.records.reduce((sum, { json }) => sum + json.length, 0));
    // Its identity went with it: it is as new as any.
    expect(await log.append([eventOf('1'), eventOf('4')], 0)).toEqual([
      { status: 'appended', sequence: 18 },
      { status: 'duplicate', sequence: 4 },
    ]);
  });
});

test('an object that holds a channel refuses to be another', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const logs = openLogs(storage);
    await (await logs.open('room')).append([eventOf('a')], 0);
    await expect(logs.open('hall')).rejects.toMatchObject({ name: 'StorageFailed' });
    expect(await logs.remove('hall')).toBe(false);
    expect(await logs.channels()).toEqual(['room']);
  });
});

/** A hash under which all are one. */
function collide(): IdentityHash {
  return () => [7, 7];
}

function pass(storage: DurableObjectStorage, changed: Partial<LogStorage>): LogStorage {
  return {
    sql: storage.sql,
    transactionSync: (run) => storage.transactionSync(run),
    sync: () => storage.sync(),
    deleteAll: () => storage.deleteAll(),
    ...changed,
  };
}

function tablesIn({ sql }: DurableObjectStorage): number {
  const names = sql.exec<{ n: number }>(`SELECT count(*) AS n FROM sqlite_schema WHERE name IN ('channel', 'segments')`);
  return names.one().n;
}

function rowsIn({ sql }: DurableObjectStorage): number {
  return sql.exec<{ n: number }>('SELECT count(*) AS n FROM segments').one().n;
}
