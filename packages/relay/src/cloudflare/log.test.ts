// What only a log in a Durable Object promises, beside the contract of all logs.
import { logContract } from '@godwit/core/contracts';
import { evictDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { IdentityHash } from '../identities/hash.ts';
import { loadIdentities, type Identities } from '../identities/identities.ts';
import { createObjectLogs, newObject, openLogs } from './testing/objects.ts';
import { eventOf, replace, tablesIn } from './testing/storage.ts';
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
    const log = await openLogs(replace(storage, { sql })).open('room');
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
    for (let sequence = 0; sequence < 5;) {
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

test('at the most events that memory allows, a batch makes the table of identities anew once, and not for each event', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    // As many as fill a table to its bound: 192 of 256 slots.
    const eventsMax = 192;
    const tables: Identities[] = [];
    const load: typeof loadIdentities = (...from) => {
      const table = loadIdentities(...from);
      tables.push(table);
      return table;
    };
    const log = await openLogs(storage, { eventsMax, load }).open('room');
    const batch = (name: string) => Array.from({ length: 16 }, (_, index) => eventOf(`${name}.${index}`));
    for (let index = 0; index < eventsMax / 16; index += 1) await log.append(batch(`before ${index}`), 0);
    const [table] = tables;
    expect([tables.length, table?.rebuilds]).toEqual([1, 0]);
    await log.append(batch('beyond'), 0);
    expect(table?.rebuilds).toBe(1);
    expect((await log.append(batch('beyond'), 0)).map(({ status }) => status)).toEqual(Array(16).fill('duplicate'));
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

function rowsIn({ sql }: DurableObjectStorage): number {
  return sql.exec<{ n: number }>('SELECT count(*) AS n FROM segments').one().n;
}
