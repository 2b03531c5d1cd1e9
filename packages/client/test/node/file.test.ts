import { existsSync, symlinkSync } from 'node:fs';
import { chmod, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { CloudEvent, DeviceStore, OwnSegment, Step } from '@godwit/core';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore, type SqliteStoreOptions } from '../../src/node/index.ts';
import { openFile, type OpenFile } from '../../src/node/sqlite/file.ts';
import { steps } from '../../src/node/sqlite/schema.ts';
import { freshFile, raw, world } from './device.ts';
import { startProcess } from './process.ts';

const hour = 3_600_000;
const everything = { ageMs: 0, eventsMax: Infinity, bytesMax: Infinity, segmentsMax: 1000 };

test('stores of one file share it, whatever they call it, and closing one leaves the others', async () => {
  const file = await freshFile();
  const alice = openStore({ file });
  const link = join(dirname(file), 'link.sqlite');
  symlinkSync(file, link);
  const others = [link, relative(process.cwd(), file), join(dirname(file), '.', 'x', '..', 'device.sqlite')].map(
    (name) => openStore({ file: name }),
  );
  await alice.record([own('1')]);
  for (const other of others) expect(await idsOf(other)).toEqual(['1']);
  await alice.close();
  for (const [index, other] of others.entries()) await other.record([own(`${index + 2}`)]);
  for (const other of others) expect(await idsOf(other)).toEqual(['1', '2', '3', '4']);
  await expect(alice.read(0, 1)).rejects.toMatchObject({ name: 'Closed' });
});

test('a link that leads nowhere yet is made to lead to the file', async () => {
  const file = await freshFile();
  const link = join(dirname(file), 'link.sqlite');
  symlinkSync(file, link);
  const [alice, bob] = [openStore({ file: link }), openStore({ file })];
  await alice.record([own('1')]);
  expect(await idsOf(bob)).toEqual(['1']);
});

test('the last one who closes it leaves one file, and lets go of it', async () => {
  const file = await freshFile();
  const [alice, bob] = [openStore({ file }), openStore({ file })];
  await alice.record([own('1')]);
  await alice.close();
  expect(existsSync(`${file}-wal`)).toBe(true);
  await bob.close();
  expect(existsSync(`${file}-wal`)).toBe(false);
  expect(raw(file, (database) => database.prepare('SELECT count(*) AS n FROM log').get())).toEqual({ n: 1 });
});

test('destroying deletes the file; a store that is opened while others still hold the old one is a new device', async () => {
  const file = await freshFile();
  const [alice, bob] = [openStore({ file }), openStore({ file })];
  await alice.record([own('1')]);
  const { deviceId } = await alice.state();
  await alice.destroy();
  expect(['', '-wal', '-shm', '-journal'].filter((part) => existsSync(file + part))).toEqual([]);
  const carol = openStore({ file });
  await carol.record([own('2')]);
  await expect(bob.record([own('3')])).rejects.toMatchObject({
    name: 'Closed',
    message: expect.stringContaining('destroyed'),
  });
  await bob.close();
  await bob.destroy();
  expect(await idsOf(carol)).toEqual(['2']);
  expect((await carol.state()).deviceId).not.toBe(deviceId);
});

test('a closed store can still be destroyed, and whoever has opened the file since is told', async () => {
  const file = await freshFile();
  const alice = openStore({ file });
  await alice.close();
  const bob = openStore({ file });
  await alice.destroy();
  await expect(bob.state()).rejects.toMatchObject({ name: 'Closed' });
  expect(existsSync(file)).toBe(false);
});

test('a closed store is not destroyed while another process has its file', async () => {
  const file = await freshFile();
  const alice = openStore({ file });
  await alice.close();
  const child = startProcess(['open', file]);
  await child.said('open');
  await expect(alice.destroy()).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('it is locked'),
  });
  expect(existsSync(file)).toBe(true);
  await child.kill();
  await alice.destroy();
  expect(existsSync(file)).toBe(false);
});

test('a commit waits for the disk, or for the system, as its own store has promised', async () => {
  const file = await freshFile();
  const [careful, quick] = [openUser({ file, durability: 'fsync' }), openUser({ file, durability: 'os' })];
  const synchronous = (user: OpenFile): unknown =>
    user.transact('ask', ({ database }) => database.prepare('PRAGMA synchronous').get()?.['synchronous']);
  expect([quick, careful, careful, quick, careful].map(synchronous)).toEqual([1, 2, 2, 1, 2]);
});

test('in memory each store is a device of its own, and leaves nothing', async () => {
  const [alice, bob] = [openStore({ file: ':memory:' }), openStore({ file: ':memory:' })];
  await alice.record([own('1')]);
  expect(await idsOf(alice)).toEqual(['1']);
  expect(await idsOf(bob)).toEqual([]);
  expect((await alice.state()).deviceId).not.toBe((await bob.state()).deviceId);
  await alice.destroy();
  await expect(alice.state()).rejects.toMatchObject({ name: 'Closed' });
  expect(existsSync(':memory:')).toBe(false);
});

test('a full disk refuses by name and stores no half, and goes on once there is room', async () => {
  const file = await freshFile();
  const store = openStore({ file, bytesMax: 1_000_000 });
  await store.lease({ handler: 'sum', tab: 'one', at: 0, start: 0 });
  const before = await store.handlers();
  const stored: string[] = [];
  const fill = async (): Promise<void> => {
    for (;;) {
      const ids = [`${stored.length}`, `${stored.length + 1}`];
      await store.record(ids.map((id) => own(id, 'x'.repeat(9000))));
      stored.push(...ids);
    }
  };
  await expect(fill()).rejects.toMatchObject({
    name: 'StorageFailed',
    message: 'could not record events: the disk is full; nothing was stored. Make room, and it goes on by itself',
  });
  expect(stored.length).toBeGreaterThan(20);
  expect(await idsOf(store)).toEqual(stored);
  await expect(store.advance(failing('x'.repeat(50_000)))).rejects.toMatchObject({ name: 'StorageFailed' });
  expect(await store.handlers()).toEqual(before);
  expect(await store.tasks({}, { limit: 1 })).toEqual({ tasks: [], next: null });

  await store.confirm({ channel: 'room', sent: (await store.state()).head, rejected: [] });
  expect(await store.trim({ ...everything, now: 8 * 24 * hour })).toMatchObject({ events: stored.length });
  expect(await store.advance(failing('x'.repeat(50_000)))).not.toBe('fenced');
  await store.record([own('after', 'x'.repeat(9000))]);
  expect(await idsOf(store)).toEqual(['after']);
});

test('numbers are taken once: what is recorded after everything was trimmed and closed stands behind it', async () => {
  const file = await freshFile();
  const store = openStore({ file });
  const [first = 0] = await store.record([own('1'), own('2')]);
  await store.confirm({ channel: 'room', sent: (await store.state()).head, rejected: [] });
  await store.trim({ ...everything, now: 2 * hour });
  const { head } = await store.state();
  expect(await idsOf(store)).toEqual([]);
  await store.close();
  const again = openStore({ file });
  expect((await again.state()).head).toBe(head);
  const [next = 0] = await again.record([own('3')]);
  expect(next).toBeGreaterThan(head);
  expect(await again.read(first, 10)).toMatchObject({ trimmed: true });
  expect((await again.read(head, 10)).trimmed).toBeUndefined();
});

test('while a long log is read and trimmed, step by step, the rest of the process has its turns', async () => {
  const store = openStore({ file: await freshFile() });
  for (let id = 0; id < 200; id += 1) await store.record([own(`${id}`)]);
  await store.confirm({ channel: 'room', sent: (await store.state()).head, rejected: [] });
  let turns = 0;
  const count = (): void => {
    turns += 1;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  onTestFinished(() => clearImmediate(timer));
  for (let after = 0, isDone = false; !isDone;) {
    const run = await store.read(after, 10);
    [after, isDone] = [run.next, run.atHead];
  }
  expect(turns).toBeGreaterThanOrEqual(19);
  turns = 0;
  for (let more = true; more;) ({ more } = await store.trim({ ...everything, now: 2 * hour, segmentsMax: 10 }));
  expect(turns).toBeGreaterThanOrEqual(19);
  expect(await idsOf(store)).toEqual([]);
});

test('a file that was deleted in use takes nothing more, and whoever opens it again begins anew', async () => {
  const file = await freshFile();
  const alice = openStore({ file });
  await alice.record([own('1')]);
  await rm(file);
  await expect(alice.record([own('2')])).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('was deleted or replaced while it was in use'),
  });
  const bob = openStore({ file });
  await expect(alice.record([own('3')])).rejects.toMatchObject({ name: 'StorageFailed' });
  await bob.record([own('4')]);
  // What has that name now is not what she had.
  await alice.destroy();
  expect(await idsOf(bob)).toEqual(['4']);
  await bob.close();
  expect(await idsOf(openStore({ file }))).toEqual(['4']);
});

test('a file that is no database is not opened, and not touched', async () => {
  const file = await freshFile();
  await writeFile(file, 'my diary, which is longer than a database’s header '.repeat(50));
  const before = await readFile(file);
  expect(() => openStore({ file })).toThrow(failed('StorageFailed', 'it is not a database'));
  expect(await readFile(file)).toEqual(before);
});

test('another program’s database, as a relay’s is, is not opened, and not touched', async () => {
  const file = await freshFile();
  raw(file, (database) => database.exec('CREATE TABLE diary (day TEXT)'));
  const before = await readFile(file);
  expect(() => openStore({ file })).toThrow(failed('StorageFailed', "not a device's"));
  expect(await readFile(file)).toEqual(before);
});

test.each(['cut short', 'overwritten in the middle'])('a file that was %s is not opened', async (harm) => {
  const file = await freshFile();
  const store = openStore({ file });
  for (let id = 0; id < 50; id += 1) await store.record([own(`${id}`, 'x'.repeat(5000))]);
  await store.close();
  const { size } = await stat(file);
  if (harm === 'cut short') await truncate(file, Math.floor(size / 3));
  else {
    const handle = await open(file, 'r+');
    await handle.write(Buffer.alloc(32_768, 0x5a), 0, 32_768, 16_384);
    await handle.close();
  }
  expect(() => openStore({ file })).toThrow(failed('StorageFailed', 'damaged'));
});

test('a folder that cannot be made is said so', async () => {
  const file = await freshFile();
  await writeFile(file, '');
  expect(() => openStore({ file: join(file, 'below', 'device.sqlite') })).toThrow(
    failed('StorageFailed', `could not open ${join(file, 'below', 'device.sqlite')}`),
  );
  // Where nobody can make one, nor is told that it is a parent that is missing.
  expect(() => openStore({ file: '/proc/godwit/device.sqlite' })).toThrow(
    failed('StorageFailed', 'could not open /proc/godwit/device.sqlite'),
  );
});

test('a file of a newer release is not opened, and says so by name', async () => {
  const file = await freshFile();
  await openStore({ file }).close();
  raw(file, (database) => database.exec(`PRAGMA user_version = ${steps.length + 1}`));
  expect(() => openStore({ file })).toThrow(
    failed('Outdated', `its tables have version ${steps.length + 1}, this one knows ${steps.length}`),
  );
});

test('what the first release has stored in a file is read beside what is stored since', async () => {
  const file = await freshFile();
  const first = openStore({ file });
  await first.record([own('1')]);
  await first.close();
  raw(file, (database) => {
    // Events of one commit were one array.
    expect(database.prepare("SELECT events ->> '$[0].id' AS id FROM log").get()).toEqual({ id: '1' });
    database.exec('PRAGMA user_version = 1');
  });
  const store = openStore({ file });
  const text =
    '{"specversion":"1.0",\n"id":"2","source":"urn:test","type":"t"}\n"id":"3","source":"urn:test","type":"t"}';
  await store.record([{ ...own('2'), written: { text, n: 2 } }]);
  expect(await idsOf(store)).toEqual(['1', '2', '3']);
  expect((await store.own('room', 0, 9)).map(({ event: { id } }) => id)).toEqual(['1', '2', '3']);
  await store.close();
  expect(raw(file, (database) => database.prepare('PRAGMA user_version').get())).toEqual({
    user_version: steps.length,
  });
});

test('a release that adds to the tables takes an older file over with all that is in it', async () => {
  const file = await freshFile();
  const store = openStore({ file });
  await store.record([own('1')]);
  const state = await store.state();
  await store.close();
  const newer = openUser({
    file,
    steps: [...steps, 'ALTER TABLE log ADD COLUMN colour TEXT', 'UPDATE log SET colour = 1'],
  });
  expect(newer.deviceId).toBe(state.deviceId);
  expect(newer.read('ask', ({ database }) => database.prepare('SELECT colour FROM log').all())).toEqual([
    { colour: '1' },
  ]);
  newer.close();
  expect(() => openStore({ file })).toThrow(failed('Outdated', `version ${steps.length + 2}`));
});

test('an upgrade that fails in the middle leaves the file to the release that wrote it', async () => {
  const file = await freshFile();
  const store = openStore({ file });
  await store.record([own('1')]);
  await store.close();
  const broken = [...steps, 'ALTER TABLE log ADD COLUMN colour TEXT', 'UPDATE nowhere SET x = 1'];
  expect(() => openUser({ file, steps: broken })).toThrow(failed('StorageFailed', 'no such table: nowhere'));
  const again = openStore({ file });
  expect(await idsOf(again)).toEqual(['1']);
  await again.record([own('2')]);
});

test('a file that another process has open is refused by name, and not once that process was killed', async () => {
  const file = await freshFile();
  const child = startProcess(['open', file]);
  const [, deviceId] = (await child.said('open')).split(' ');
  expect(() => openStore({ file })).toThrow(
    failed('StorageFailed', 'it is locked: another process, or another thread of this one, has it open'),
  );
  await child.kill();
  const store = openStore({ file });
  expect((await store.state()).deviceId).toBe(deviceId);
});

test('of two processes that make one file at the same time, one has it', async () => {
  const file = await freshFile();
  const children = [startProcess(['open', file]), startProcess(['open', file])];
  const said = await Promise.all(children.map((child) => Promise.race([child.said('open'), child.said('refused')])));
  expect(said.filter((line) => line.startsWith('open'))).toHaveLength(1);
  expect(said.find((line) => line.startsWith('refused'))).toContain('it is locked');
});

test('a file that this process may read and not write is refused by name', async () => {
  const file = await freshFile();
  await openStore({ file }).close();
  await chmod(file, 0o444);
  await chmod(dirname(file), 0o555);
  onTestFinished(() => chmod(dirname(file), 0o755));
  // To the super-user every file may be written.
  const child = startProcess(['open', file], process.getuid?.() === 0 ? { uid: 65_534 } : {});
  expect(JSON.parse((await child.said('refused')).slice('refused '.length))).toMatchObject({
    name: 'StorageFailed',
    message: `could not open ${file}: it may not be written; does this process own the file and its folder?`,
  });
});

function openStore(options: Pick<SqliteStoreOptions, 'file' | 'bytesMax'>): DeviceStore {
  const store = openSqliteStore({ durability: 'os', world, ...options });
  onTestFinished(() => store.close());
  return store;
}

function openUser(options: Partial<Parameters<typeof openFile>[0]> & { readonly file: string }): OpenFile {
  const user = openFile({ durability: 'os', deviceId: world.id(), ...options });
  onTestFinished(() => user.close());
  return user;
}

function own(id: string, data?: string): OwnSegment {
  const event: CloudEvent = { specversion: '1.0', id, source: 'urn:test:device', type: 'note.added', data };
  return { channel: 'room', outbound: true, at: 0, bytes: 100, events: [event] };
}

/** A step that leaves one row behind. */
function failing(data: string): Step {
  return {
    handler: 'sum',
    term: 1,
    at: 0,
    cursor: 1024,
    claimed: 1024,
    ended: [],
    put: [
      {
        handler: 'sum',
        position: 1024,
        state: 'waiting',
        channel: 'room',
        event: { specversion: '1.0', id: '1', source: 'urn:test:device', type: 'note.added', data },
        offset: null,
        attempts: 1,
        key: null,
        at: 0,
        delayMs: 1000,
        failure: { name: 'HandlerFailed', message: 'no' },
      },
    ],
    remove: [],
    unblock: [],
    queue: [],
    claim: 0,
    totals: { passed: 1, handled: 0, failed: 1, dropped: {} },
    release: false,
  };
}

async function idsOf(store: DeviceStore): Promise<readonly string[]> {
  const { entries } = await store.read(0, 1000);
  return entries.flatMap((entry) => (entry.kind === 'event' ? [entry.event.id] : []));
}

function failed(name: string, message: string): unknown {
  return expect.objectContaining({ name, message: expect.stringContaining(message) });
}
