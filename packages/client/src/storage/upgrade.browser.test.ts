import { worldOf, type Failure, type OwnSegment } from '@godwit/core';
import { createTestWorld } from '@godwit/core/testing';
import { openDB, type IDBPDatabase } from 'idb';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openStorage } from './open.ts';
import { databaseName, type Database } from './schema.ts';
import { openIdbStore } from './store.ts';
import { makeOlder } from './test/older.ts';

const world = worldOf(globalThis);

test('what release 1 has stored is there after the upgrade, and durable handlers work on it', async () => {
  const name = freshName();
  (await release1(name)).close();
  const store = await openIdbStore({ name, world, report: unexpected });
  onTestFinished(() => store.destroy());
  expect(await store.state()).toMatchObject({
    deviceId: 'the device of release 1',
    channels: { room: { sent: 0, read: 'o1', pendingEvents: 1 } },
  });
  expect((await store.read(0, 9)).entries).toMatchObject([{ event: { id: 'old' } }]);
  const lease = await store.lease({ handler: 'send-receipt', tab: 'alice', at: 1, start: 0 });
  expect(lease).toMatchObject({ owner: 'alice', cursor: 0 });
  expect(await store.merge({ channel: 'room', after: 'o1', last: 'o2', at: 1, bytes: 0, events: [] })).toBe('merged');
  const [position = 0] = await store.record([own('new')]);
  expect(position).toBeGreaterThan(1024);
});

test('a tab of release 1 that lets go does not hold the upgrade up', async () => {
  const name = freshName();
  const old = await release1(name);
  let asked = 0;
  old.addEventListener('versionchange', () => {
    asked += 1;
    old.close();
  });
  const store = await openIdbStore({ name, world, report: unexpected });
  onTestFinished(() => store.destroy());
  expect(asked).toBe(1);
  expect(await store.handlers()).toEqual([]);
});

test('a tab of release 1 that does not let go is told of, and nothing is lost: once it has gone, the upgrade is made', async () => {
  const name = freshName();
  const time = createTestWorld();
  const stubborn = await release1(name);
  const held = heldUp();
  const opening = openIdbStore({ name, world: time, report: unexpected });
  const failed = expect(opening).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('another tab, perhaps frozen, keeps an older version open; close it'),
  });
  await held;
  await time.advance(8000);
  await failed;
  expect(await stubborn.get('meta', 'device')).toMatchObject({ id: 'the device of release 1' });
  stubborn.close();
  const store = await openIdbStore({ name, world, report: unexpected });
  onTestFinished(() => store.destroy());
  expect((await store.read(0, 9)).entries).toMatchObject([{ event: { id: 'old' } }]);
});

test('while an older version is held open, the application goes on in memory, visibly', async () => {
  const name = freshName();
  const time = createTestWorld();
  const stubborn = await release1(name);
  const held = heldUp();
  const reports: string[] = [];
  const opening = openStorage({ name, world: time, report: ({ message }) => reports.push(message) });
  await held;
  await time.advance(8000);
  const { store, storage } = await opening;
  expect(storage).toBe('memory');
  expect(reports).toEqual([expect.stringContaining('older version')]);
  expect(await store.lease({ handler: 'send-receipt', tab: 'alice', at: 1, start: 0 })).toMatchObject({
    owner: 'alice',
  });
  stubborn.close();
});

test('tabs that upgrade at once open the same database', async () => {
  const name = freshName();
  (await release1(name)).close();
  const stores = await Promise.all([1, 2, 3].map(() => openIdbStore({ name, world, report: unexpected })));
  onTestFinished(() => Promise.all(stores.map((store) => store.destroy())).then(() => undefined));
  const [first, second, third] = stores;
  await first?.lease({ handler: 'send-receipt', tab: 'alice', at: 1, start: 0 });
  expect(await second?.handlers()).toMatchObject([{ name: 'send-receipt', owner: 'alice' }]);
  expect((await third?.state())?.deviceId).toBe('the device of release 1');
});

test('what releases 2 and 3 have stored, as objects and as text, is read beside what is stored since, and waits for the relay with it', async () => {
  const name = freshName();
  (await release3(name)).close();
  const store = await openIdbStore({ name, world, report: unexpected });
  onTestFinished(() => store.destroy());
  const text =
    '{"specversion":"1.0",\n"id":"new","source":"urn:test","type":"note.added"}\n"id":"newer","source":"urn:test","type":"note.added"}';
  await store.record([{ ...own('new'), written: { text, n: 2 } }]);
  const { entries } = await store.read(0, 9);
  expect(entries.flatMap((entry) => (entry.kind === 'event' ? [entry.event] : []))).toEqual(
    ['old', 'less old', 'a comma,', 'new', 'newer'].flatMap((id) => own(id).events),
  );
  const waiting = await store.own('room', 0, 9);
  expect(waiting.map(({ event: { id } }) => id)).toEqual(['old', 'less old', 'a comma,', 'new', 'newer']);
  expect((await store.state()).channels['room']).toMatchObject({ pendingEvents: 5 });
});

/** A database as release 1 made it, with an event that waits for the relay and a page that was read. */
async function release1(name: string): Promise<IDBPDatabase> {
  const database = await openDB(name, 1, {
    upgrade(made) {
      const log = made.createObjectStore('log', { keyPath: 'segment', autoIncrement: true });
      log.createIndex('out', 'out');
      log.createIndex('after', 'after', { unique: true });
      made.createObjectStore('cursors', { keyPath: 'key' });
      made.createObjectStore('rejected', { keyPath: 'id' });
      made.createObjectStore('handlers', { keyPath: 'name' });
      made.createObjectStore('tasks', { keyPath: ['handler', 'id'] }).createIndex('due', 'due');
      made.createObjectStore('meta', { keyPath: 'name' });
    },
  });
  const { channel, at, bytes, events } = own('old');
  await database.put('meta', { name: 'device', v: 1, id: 'the device of release 1' });
  await database.put('cursors', { key: 'read:room', v: 1, offset: 'o1' });
  await database.put('log', { v: 1, channel, n: 1, bytes, at, events, out: channel });
  return database;
}

/** A database as release 3 made it, with an event that release 2 has stored and two of its own, which wait for the relay. */
async function release3(name: string): Promise<Database> {
  const database = await makeOlder(name, 3, 'the device of release 3');
  const { channel, at, bytes, events } = own('old');
  await database.put('log', { v: 1, channel, n: 1, bytes, at, events, out: channel });
  const text = ['less old', 'a comma,'].flatMap((id) => own(id).events.map((event) => JSON.stringify(event))).join();
  await database.put('log', { v: 2, channel, n: 2, bytes, at, events: text, out: channel });
  return database;
}

/** Resolves when the next upgrade is held up. */
function heldUp(): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const { open } = IDBFactory.prototype;
  const spy = vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(function (this: IDBFactory, ...args) {
    const request = open.apply(this, args);
    // Behind whoever asked for it: they hear of it first.
    void Promise.resolve().then(() => request.addEventListener('blocked', resolve));
    return request;
  });
  onTestFinished(() => spy.mockRestore());
  return promise;
}

function freshName(): string {
  return databaseName(world.id(), '');
}

function own(id: string): OwnSegment {
  const event = { specversion: '1.0', id, source: 'urn:test', type: 'note.added' } as const;
  return { channel: 'room', outbound: true, at: 1, bytes: JSON.stringify(event).length, events: [event] };
}

function unexpected(failure: Failure): never {
  throw failure;
}
