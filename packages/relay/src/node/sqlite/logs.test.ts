import { worldOf } from '@godwit/core';
import { copyFile, cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CloudEvent, Logs } from '@godwit/core';
import { logContract } from '@godwit/core/contracts';
import { expect, onTestFinished, test } from 'vitest';
import type { DatabaseOptions } from './database.ts';
import { openSqliteLogs, type SqliteLogs } from './logs.ts';

const world = worldOf(globalThis);

logContract('in SQLite', async () => {
  const path = await file();
  const logs = openSqliteLogs({ path, durability: 'os', world });
  let current = logs;
  return {
    logs,
    async reopen() {
      await current.close();
      current = openSqliteLogs({ path, durability: 'fsync', world });
      return current;
    },
    close: () => current.close(),
  };
});

test('appends of all channels in one tick share one commit, and all are refused together where it fails', async () => {
  const logs = openLogs({ path: await file(), bytesMax: 400_000 });
  const channels = await Promise.all(['a', 'b', 'c'].map((name) => logs.open(name)));
  const heard: unknown[] = [];
  for (const channel of channels) channel.follow((news) => heard.push(news));
  const tooMuch = { ...eventOf('big'), data: 'x'.repeat(500_000) };
  const outcomes = await Promise.allSettled(
    channels.map((log, index) => log.append([index === 1 ? tooMuch : eventOf('1')], 0)),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(heard).toEqual([]);
  for (const log of channels) expect(await log.stat()).toMatchObject({ head: 0, published: 0 });
});

test('appends to one channel in one tick share a segment, up to a size at which one is read', async () => {
  const path = await file();
  const logs = openLogs({ path });
  const log = await logs.open('a');
  const heard: number[] = [];
  log.follow(({ records }) => heard.push(...records.map(({ sequence }) => sequence)));
  const append = async (first: number, count: number, data = ''): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, (_, index) => log.append([{ ...eventOf(`${first + index}`), data }], 1)));
  const outcomes = await append(1, 64);
  expect(outcomes).toEqual(Array.from({ length: 64 }, (_, index) => [{ status: 'appended', sequence: index + 1 }]));
  await append(1, 1);
  await append(65, 4, 'x'.repeat(30_000));
  expect(heard).toEqual(Array.from({ length: 68 }, (_, index) => index + 1));
  expect(await log.stat()).toMatchObject({ head: 68, published: 68, duplicates: 1, refused: 69 });
  const { epoch } = await log.stat();
  expect((await log.read({ epoch, sequence: 60 }, 6)).records.map(({ sequence }) => sequence)).toContain(64);
  await logs.close();
  const database = new DatabaseSync(path);
  onTestFinished(() => database.close());
  expect(database.prepare('SELECT first, n FROM segments ORDER BY first').all()).toEqual([
    { first: 1, n: 64 },
    { first: 65, n: 2 },
    { first: 67, n: 2 },
  ]);
});

test('a batch is told event by event what was new, wherever in it one comes again, in one append or in many at once', async () => {
  const log = await openLogs({ path: await file() }).open('a');
  await log.append([eventOf('known')], 0);
  const ids = Array.from({ length: 50 }, (_, index) => String(index));
  const [within, before, after] = [ids.with(20, '18'), ids.map((id) => `b${id}`).with(35, 'known'), ids];
  expect(await log.append(within.map(eventOf), 0)).toEqual(
    within.map((_, index) => {
      if (index === 20) return { status: 'duplicate', sequence: 20 };
      return { status: 'appended', sequence: index < 20 ? index + 2 : index + 1 };
    }),
  );
  const outcomes = await Promise.all(before.map((id) => log.append([eventOf(id)], 0)));
  expect(outcomes.flat()).toEqual(
    before.map((_, index) => {
      if (index === 35) return { status: 'duplicate', sequence: 1 };
      return { status: 'appended', sequence: index < 35 ? index + 51 : index + 50 };
    }),
  );
  // Sent again: all are known but one.
  expect((await log.append(after.map(eventOf), 0)).map(({ status }) => status)).toEqual(
    after.map((_, index) => (index === 20 ? 'appended' : 'duplicate')),
  );
  const { epoch, head, published, duplicates } = await log.stat();
  expect({ head, published, duplicates }).toEqual({ head: 100, published: 100, duplicates: 51 });
  const { records } = await log.read({ epoch, sequence: 0 }, 200);
  const held = ['known', ...within.toSpliced(20, 1), ...before.toSpliced(35, 1), '20'];
  expect(records.map(({ json }) => Reflect.get(JSON.parse(json), 'id'))).toEqual(held);
});

test('a full disk refuses with a clear sentence, keeps what it acknowledged, and recovers once there is room', async () => {
  const path = await file();
  const logs = openLogs({ path, bytesMax: 1_200_000 });
  const [log, other] = [await logs.open('a'), await logs.open('b')];
  await other.append([{ ...eventOf('old'), data: 'x'.repeat(200_000) }], 0);
  let acknowledged = 0;
  const fill = async (): Promise<void> => {
    for (;;) {
      await log.append([{ ...eventOf(String(acknowledged)), data: 'x'.repeat(10_000) }], 0);
      acknowledged += 1;
    }
  };
  await expect(fill()).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('the disk is full; nothing was stored'),
    details: { retryAfterMs: expect.any(Number) },
  });
  expect(acknowledged).toBeGreaterThan(10);
  expect((await log.stat()).head).toBe(acknowledged);
  expect((await log.read('earliest', 1)).records).toHaveLength(1);
  await logs.remove('b');
  await expect
    .poll(() => log.append([{ ...eventOf('after'), data: 'x'.repeat(10_000) }], 0).catch(() => undefined))
    .toEqual([{ status: 'appended', sequence: acknowledged + 1 }]);
});

test('it is not ready from a full disk on until there is room again, also where nobody appends', async () => {
  const path = await file();
  const logs = openLogs({ path, bytesMax: 1_000_000 });
  const [log, other] = [await logs.open('a'), await logs.open('b')];
  await other.append([{ ...eventOf('old'), data: 'x'.repeat(800_000) }], 0);
  await logs.ready();
  const large = { ...eventOf('large'), data: 'x'.repeat(500_000) };
  await expect(log.append([large], 0)).rejects.toMatchObject({ name: 'StorageFailed' });
  await expect(logs.ready()).rejects.toEqual(storageFailed('the disk is full; nothing was stored'));
  await logs.remove('b');
  await expect
    .poll(() =>
      logs.ready().then(
        () => 'ready',
        () => 'full',
      ),
    )
    .toBe('ready');
  expect(await log.append([large], 0)).toEqual([{ status: 'appended', sequence: 1 }]);
});

test.each([
  ['os', 'another boot', true],
  ['os', 'this boot', false],
  ['fsync', 'another boot', false],
] as const)(
  'a log kept with durability %s that was torn off and is opened in %s begins a new epoch: %s',
  async (durability, bootId, isNew) => {
    const path = await file();
    const logs = openLogs({ path, durability, bootId: 'this boot' });
    const log = await logs.open('a');
    await log.append([eventOf('1')], 0);
    const { epoch } = await log.stat();
    // As it lies there when the machine goes down.
    const folder = dirname(path);
    const torn = `${folder}.torn`;
    onTestFinished(() => rm(torn, { recursive: true }));
    await cp(folder, torn, { recursive: true });
    await logs.close();
    for (const name of await readdir(folder)) if (join(folder, name) !== path) await rm(join(folder, name));
    // Into the same files: others would be a copy.
    for (const name of await readdir(torn)) await copyFile(join(torn, name), join(folder, name));
    const again = openLogs({ path, durability, bootId });
    expect(again.begunAnew).toBe(isNew ? 'lost' : undefined);
    for (const channel of ['a', 'never written']) {
      expect((await (await again.open(channel)).stat()).epoch === epoch).toBe(!isNew);
    }
    const { records, gap } = await (await again.open('a')).read({ epoch, sequence: 1 }, 10);
    expect([records.length, gap?.reason]).toEqual(isNew ? [1, 'epoch'] : [0, undefined]);
    // Once, and not again: it was closed as it should be.
    await again.close();
    expect(openLogs({ path, durability, bootId: 'a later boot' }).begunAnew).toBeUndefined();
  },
);

test('a file that is no database is not opened, and not touched', async () => {
  const path = await file();
  await writeFile(path, 'my diary, which is longer than a database’s header '.repeat(50));
  const before = await readFile(path);
  expect(() => openLogs({ path })).toThrow(storageFailed('is not a database'));
  expect(await readFile(path)).toEqual(before);
});

test('another program’s database is not opened, and not touched', async () => {
  const path = await file();
  const theirs = new DatabaseSync(path);
  theirs.exec('CREATE TABLE diary (day TEXT)');
  theirs.close();
  expect(() => openLogs({ path })).toThrow(storageFailed('not a relay’s'.replace('’', "'")));
});

test('a database of a newer release is not opened', async () => {
  const path = await file();
  await openLogs({ path }).close();
  const newer = new DatabaseSync(path);
  newer.exec('PRAGMA user_version = 4');
  newer.close();
  expect(() => openLogs({ path })).toThrow(storageFailed('written by another release'));
});

test.each(['cut short', 'overwritten in the middle'])('a database that was %s is not opened', async (harm) => {
  const path = await file();
  const logs = openLogs({ path });
  const log = await logs.open('a');
  for (let id = 0; id < 50; id += 1) await log.append([{ ...eventOf(String(id)), data: 'x'.repeat(5000) }], 0);
  await logs.close();
  const { size } = await stat(path);
  if (harm === 'cut short') await truncate(path, Math.floor(size / 3));
  else {
    const handle = await open(path, 'r+');
    await handle.write(Buffer.alloc(8192, 0x5a), 0, 8192, 4096);
    await handle.close();
  }
  expect(() => openLogs({ path })).toThrow(storageFailed('damaged'));
});

test('two relays cannot have one file', async () => {
  const path = await file();
  const logs = openLogs({ path });
  expect(() => openLogs({ path })).toThrow(storageFailed('does another relay run on this file?'));
  await logs.close();
  await openLogs({ path }).close();
});

test('a folder that cannot be made is said so', async () => {
  const path = await file();
  await writeFile(path, '');
  expect(() => openLogs({ path: join(path, 'below', 'godwit.sqlite') })).toThrow(storageFailed('cannot open'));
});

test('what a removed channel held is deleted, also by the next start', async () => {
  const path = await file();
  const logs = openLogs({ path });
  const log = await logs.open('a');
  for (let id = 0; id < 100; id += 1) await log.append([{ ...eventOf(String(id)), data: 'x'.repeat(5000) }], 0);
  await logs.remove('a');
  await logs.close();
  const again = openLogs({ path });
  await (await again.open('b')).append([eventOf('1')], 0);
  expect(await countSegments(again, path)).toBe(1);
});

test('a place in the log is looked for among numbers alone, however long the texts are', async () => {
  const path = await file();
  await openLogs({ path }).close();
  const database = new DatabaseSync(path);
  onTestFinished(() => database.close());
  expect(database.prepare("SELECT wr FROM pragma_table_list('segments')").get()).toEqual({ wr: 0 });
  const plan = database.prepare(
    'EXPLAIN QUERY PLAN SELECT body FROM segments WHERE channel = 1 AND first >= 1 ORDER BY first',
  );
  expect(plan.all().map(({ detail }) => detail)).toEqual([
    'SEARCH segments USING INDEX sqlite_autoindex_segments_1 (channel=? AND first>?)',
  ]);
});

test('what a channel counts is whole wherever its relay is killed, though most commits do not write its row', async () => {
  const path = await file();
  const log = await openLogs({ path }).open('a');
  /** What lies there now, opened elsewhere: in epochs of its own, since it is a copy. */
  const left = async (): Promise<{ readonly stat: unknown; readonly rowHead: unknown }> => {
    const copy = join(dirname(await file()), 'copy');
    await cp(dirname(path), copy, { recursive: true });
    const database = new DatabaseSync(join(copy, 'godwit.sqlite'));
    const row = database.prepare("SELECT head FROM channels WHERE name = 'a'").get();
    database.close();
    const again = await openLogs({ path: join(copy, 'godwit.sqlite') }).open('a');
    const { epoch: _, ...stat } = await again.stat();
    return { stat, rowHead: row?.['head'] };
  };
  const appendEach = async (from: number, to: number): Promise<void> => {
    for (let id = from; id <= to; id += 1) await log.append([eventOf(String(id))], 0);
  };
  const steps: readonly [what: string, rowHead: number, step: () => Promise<unknown>][] = [
    ['the first event', 1, () => appendEach(1, 1)],
    ['as many as its row may be behind', 1, () => appendEach(2, 257)],
    ['one more', 258, () => appendEach(258, 258)],
    ['some more', 258, () => appendEach(259, 280)],
    ['one that is known, and a new one', 281, () => log.append([eventOf('5'), eventOf('281')], 0)],
    ['one, beside one that was refused', 282, () => log.append([eventOf('282')], 1)],
    ['some more', 282, () => appendEach(283, 290)],
    ['a trim', 290, () => log.trim({ before: 0, bytesMax: Infinity, eventsMax: 10 })],
    ['some more', 290, () => appendEach(291, 295)],
    ['a trim of nothing', 290, () => log.trim({ before: 0, bytesMax: Infinity })],
  ];
  for (const [what, rowHead, step] of steps) {
    await step();
    const { epoch: _, ...stat } = await log.stat();
    expect({ what, ...(await left()) }).toEqual({ what, rowHead, stat });
  }
  expect(await log.stat()).toMatchObject({ head: 295, published: 295, duplicates: 1, refused: 1 });
});

test.each([1, 2])(
  'a file whose tables have version %i goes on as it is, and no release that knew only that takes it then',
  async (version) => {
    const path = await file();
    const logs = openLogs({ path });
    await (await logs.open('a')).append([eventOf('1'), eventOf('2')], 0);
    await logs.close();
    const older = new DatabaseSync(path);
    if (version === 1) older.exec('DROP TABLE webhooks; DROP TABLE handlers; DROP TABLE tasks');
    older.exec(`PRAGMA user_version = ${version}`);
    older.close();
    const again = openLogs({ path });
    expect(again.begunAnew).toBeUndefined();
    const log = await again.open('a');
    expect(await log.append([eventOf('2'), eventOf('3')], 0)).toMatchObject([{ sequence: 2 }, { sequence: 3 }]);
    expect(again.database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 });
    expect(again.database.prepare('SELECT count(*) AS n FROM webhooks').get()).toEqual({ n: 0 });
  },
);

test('a file of a release that kept the texts in the tree of their numbers is read, written and trimmed', async () => {
  const path = await file();
  const logs = openLogs({ path });
  const batch = (from: number): readonly CloudEvent[] =>
    Array.from({ length: 200 }, (_, index) => ({ ...eventOf(String(from + index)), data: 'x'.repeat(100) }));
  await (await logs.open('a')).append(batch(1), 0);
  await logs.close();
  const older = new DatabaseSync(path);
  older.exec(`
    ALTER TABLE segments RENAME TO newer;
    CREATE TABLE segments (
      channel INTEGER NOT NULL, first INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL,
      bytes INTEGER NOT NULL, types TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (channel, first)
    ) WITHOUT ROWID;
    INSERT INTO segments SELECT * FROM newer;
    DROP TABLE newer;
  `);
  older.close();
  const log = await openLogs({ path }).open('a');
  const [twice, first] = await log.append(batch(200), 0);
  expect([twice, first]).toMatchObject([{ status: 'duplicate', sequence: 200 }, { sequence: 201 }]);
  const { epoch } = await log.stat();
  const { records } = await log.read({ epoch, sequence: 120 }, 200);
  expect(records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 200 }, (_, index) => 121 + index));
  expect(await log.trim({ before: 0, bytesMax: 0 })).toBe(399);
});

/** Counts the segments, some turns later. The file is the relay's alone, so it lets go of it first. */
async function countSegments(logs: Logs, path: string): Promise<unknown> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  await logs.close();
  const database = new DatabaseSync(path);
  const { n } = database.prepare('SELECT count(*) AS n FROM segments').get() ?? {};
  database.close();
  return n;
}

function openLogs(options: { readonly path: string } & Partial<DatabaseOptions>): SqliteLogs {
  const logs = openSqliteLogs({ durability: 'os', world, ...options });
  onTestFinished(() => logs.close());
  return logs;
}

async function file(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'godwit.sqlite');
}

function eventOf(id: string): CloudEvent {
  return { specversion: '1.0', id, source: '/alice', type: 'todo.added' };
}

function storageFailed(message: string): unknown {
  return expect.objectContaining({ name: 'StorageFailed', message: expect.stringContaining(message) });
}

test('a trim gives appends their turn between small steps, whether commits are small or large', async () => {
  const logs = openLogs({ path: await file() });
  const log = await logs.open('a');
  const batch = (name: string, size: number): readonly CloudEvent[] =>
    Array.from({ length: size }, (_, index) => eventOf(`${name}.${index}`));
  for (let index = 0; index < 100; index += 1) await log.append(batch(`small ${index}`, 1), 0);
  for (let index = 0; index < 5; index += 1) await log.append(batch(`large ${index}`, 1000), 0);
  const tails: number[] = [];
  const trimming = log.trim({ before: 0, bytesMax: 0 });
  do {
    await log.append([eventOf(`between ${tails.length}`)], 0);
    tails.push((await log.stat()).tail);
  } while ((tails.at(-1) ?? 0) <= 5100);
  // Each append was committed between two steps: sixteen commits, or one however large, and no more.
  const steps = tails.map((tail, index) => tail - (tails[index - 1] ?? 1));
  expect(steps.length).toBeGreaterThan(8);
  expect(Math.max(...steps)).toBeLessThanOrEqual(1000);
  expect(await trimming).toBeGreaterThanOrEqual(5100);
});
