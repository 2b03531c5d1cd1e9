import { createTestWorld } from '@godwit/core/testing';
import { Failure, type OwnSegment } from '@godwit/core';
import { deleteDB, openDB, unwrap } from 'idb';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { worldOf } from '@godwit/core';
import { connect } from './connection.ts';
import { storageFailure } from './failures.ts';
import { openStorage } from './open.ts';
import { databaseName, handlersName, logLayout } from './schema.ts';
import { openIdbStore } from './store.ts';

const world = worldOf(globalThis);

afterEach(() => vi.unstubAllGlobals());

test('a release that needs a newer database takes it over, and the older one says that it is outdated', async () => {
  const name = freshName();
  const store = await openIdbStore({ name, world, report: unexpected });
  const newer = await openDB(name, 99);
  onTestFinished(() => newer.close());
  await expect(store.record([own()])).rejects.toMatchObject({ name: 'Outdated' });
  await expect(openIdbStore({ name, world, report: unexpected })).rejects.toMatchObject({ name: 'Outdated' });
  await expect(openStorage({ name, world, report: () => undefined })).rejects.toMatchObject({
    name: 'Outdated',
    message: expect.stringContaining('reload the page'),
  });
  await store.close();
});

test('a connection that is lost is opened again, and what had not begun is done', async () => {
  const connection = await connect({ name: freshName(), layout: logLayout, world, fate: {} });
  onTestFinished(() => connection.destroy());
  let tries = 0;
  const device = await connection.run('read', async (database) => {
    tries += 1;
    if (tries === 1) database.close();
    return database.get('meta', 'device');
  });
  expect(device).toMatchObject({ id: connection.id });
  expect(tries).toBe(2);
});

test('a connection that is cut off while it is opened again is opened once more', async () => {
  const connection = await connect({ name: freshName(), layout: logLayout, world, fate: {} });
  onTestFinished(() => connection.destroy());
  await connection.run('lose it', async (database) => database.close());
  cutOffNextOpening();
  await expect(connection.run('read', (database) => database.get('meta', 'device'))).resolves.toMatchObject({
    id: connection.id,
  });
});

test('a connection that is cut off while it is opened first is opened once more', async () => {
  cutOffNextOpening();
  const { storage, store } = await openStorage({ name: freshName(), world, report: unexpected });
  onTestFinished(() => store.destroy());
  expect(storage).toBe('indexeddb');
});

test('a transaction that is cut off without a word fails, and is not begun again: it may have been stored', async () => {
  const name = freshName();
  const time = createTestWorld();
  const connection = await connect({ name, layout: logLayout, world: time, fate: {} });
  onTestFinished(() => connection.destroy());
  let tries = 0;
  const cut = connection.run('record events', (database) => {
    tries += 1;
    unwrap(database).close();
    unwrap(database).dispatchEvent(new Event('close'));
    return new Promise(() => undefined);
  });
  const failed = expect(cut).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('it may be stored all the same'),
  });
  await time.advance(100);
  await failed;
  expect(tries).toBe(1);
  await expect(connection.run('read', (database) => database.get('meta', 'device'))).resolves.toBeDefined();
});

test('a transaction that is cut off without a word by a deletion is told of that, and holds up no closing', async () => {
  const name = freshName();
  const time = createTestWorld();
  const connection = await connect({ name, layout: logLayout, world: time, fate: {} });
  const told = Promise.withResolvers<void>();
  const cut = connection.run('record events', async (database) => {
    database.close();
    await deleteDB(name);
    unwrap(database).dispatchEvent(new Event('close'));
    told.resolve();
    return new Promise(() => undefined);
  });
  const failed = expect(cut).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('create another runtime'),
  });
  await told.promise;
  await time.advance(100);
  await failed;
  await connection.close();
});

test('a database that is deleted while it is opened is made anew, and kept', async () => {
  const name = freshName();
  const { open } = IDBFactory.prototype;
  // The handlers' is opened behind the log's.
  const spy = vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, ...args) {
    if (args[0] !== handlersName(name)) return open.apply(this, args);
    spy.mockRestore();
    void deleteDB(name);
    return open.apply(this, args);
  });
  onTestFinished(() => spy.mockRestore());
  const { storage, store } = await openStorage({ name, world, report: unexpected });
  onTestFinished(() => store.destroy());
  expect(storage).toBe('indexeddb');
  await store.record([own()]);
  expect((await store.read(0, 1)).entries).toHaveLength(1);
});

test('a read that is cut off is told to whoever asked, and is no rejection that nobody hears', async () => {
  const unheard = rejectionsUnheard();
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    // Once it has its requests; what has said all that it has to say cannot be aborted by a page.
    begun.commit = () => undefined;
    queueMicrotask(() => begun.abort());
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  const opening = connect({ name: freshName(), layout: logLayout, world, fate: {} });
  await expect(opening).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('AbortError'),
  });
  spy.mockRestore();
  const connection = await connect({ name: freshName(), layout: logLayout, world, fate: {} });
  await connection.destroy();
  expect(unheard).toEqual([]);
});

test('an upgrade that is cut off is none either', async () => {
  const unheard = rejectionsUnheard();
  const { open } = IDBFactory.prototype;
  const spy = vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(function (this: IDBFactory, ...args) {
    const request = open.apply(this, args);
    // Behind whoever upgrades.
    queueMicrotask(() => request.addEventListener('upgradeneeded', () => request.transaction?.abort()));
    return request;
  });
  onTestFinished(() => spy.mockRestore());
  const { store, storage } = await openStorage({ name: freshName(), world, report: unexpected });
  expect(storage).toBe('indexeddb');
  await store.destroy();
  expect(unheard).toEqual([]);
});

test('calls that lose the same connection share the next one', async () => {
  const connection = await connect({ name: freshName(), layout: logLayout, world, fate: {} });
  onTestFinished(() => connection.destroy());
  await connection.run('lose it', async (database) => database.close());
  const databases = await Promise.all(
    Array.from({ length: 5 }, () =>
      connection.run('read', async (database) => {
        await database.get('meta', 'device');
        return database;
      }),
    ),
  );
  expect(new Set(databases).size).toBe(1);
});

test('a database that was deleted and made anew in between is another device, and says so', async () => {
  const name = freshName();
  const connection = await connect({ name, layout: logLayout, world, fate: {} });
  await connection.run('lose it', async (database) => database.close());
  await deleteDB(name);
  await expect(connection.run('read', (database) => database.get('meta', 'device'))).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('create another runtime'),
  });
  await connection.close();
});

test('a database that another tab deletes lets go, and is closed', async () => {
  const name = freshName();
  const store = await openIdbStore({ name, world, report: unexpected });
  await deleteDB(name);
  await expect(store.state()).rejects.toMatchObject({ name: 'Closed' });
  await store.close();
});

test('a tab that does not let go does not hold up the deletion for ever', async () => {
  const name = freshName();
  const time = createTestWorld();
  const store = await openIdbStore({ name, world: time, report: unexpected });
  const stubborn = await openDB(name);
  const asked = new Promise((resolve) => stubborn.addEventListener('versionchange', resolve));
  const destroyed = store.destroy();
  const failed = expect(destroyed).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('another tab'),
  });
  await asked;
  await time.advance(8000);
  await failed;
  stubborn.close();
});

test('a browser that never answers leaves memory, visibly', async () => {
  const name = freshName();
  const time = createTestWorld();
  const stubborn = await openDB(name, 1);
  // The deletion waits for the stubborn one, and whoever opens waits for the deletion.
  const deleted = deleteDB(name);
  const reports: Failure[] = [];
  const opening = openStorage({ name, world: time, report: (failure) => reports.push(failure) });
  await time.advance(8000);
  const { store, storage } = await opening;
  expect(storage).toBe('memory');
  expect(reports).toMatchObject([{ name: 'StorageFailed', message: expect.stringContaining('kept in memory') }]);
  await store.record([own()]);
  expect((await store.read(0, 1)).entries).toHaveLength(1);
  stubborn.close();
  await deleted;
});

test('a browser without IndexedDB leaves memory, visibly', async () => {
  vi.stubGlobal('indexedDB', undefined);
  const reports: Failure[] = [];
  const { storage } = await openStorage({ name: freshName(), world, report: (failure) => reports.push(failure) });
  expect(storage).toBe('memory');
  expect(reports.map(({ message }) => message)).toEqual([
    'this browser has no IndexedDB; what is published is kept in memory, and lost with the tab',
  ]);
});

test('a browser that refuses IndexedDB leaves memory, visibly', async () => {
  vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
    throw new DOMException('not in a private window', 'SecurityError');
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const reports: Failure[] = [];
  const { storage } = await openStorage({ name: freshName(), world, report: (failure) => reports.push(failure) });
  expect(storage).toBe('memory');
  expect(reports).toMatchObject([{ name: 'StorageFailed', message: expect.stringContaining('SecurityError') }]);
});

test('a transaction that is aborted from outside is tried twice more, and then fails by name with nothing stored', async () => {
  const store = await openIdbStore({ name: freshName(), world, report: unexpected });
  onTestFinished(() => store.destroy());
  await store.record([own('before')]);
  const commit = vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function abort(this: IDBTransaction) {
    this.abort();
  });
  onTestFinished(() => commit.mockRestore());
  await expect(store.record([own('lost')])).rejects.toMatchObject({ name: 'StorageFailed' });
  expect(commit).toHaveBeenCalledTimes(3);
  commit.mockRestore();
  await store.record([own('after')]);
  expect((await store.read(0, 10)).entries).toMatchObject([{ event: { id: 'before' } }, { event: { id: 'after' } }]);
});

test('an event is acknowledged when its transaction has completed, not when its request succeeded', async () => {
  const store = await openIdbStore({ name: freshName(), world, report: unexpected });
  onTestFinished(() => store.destroy());
  const order: string[] = [];
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    // First to hear of it, before whoever waits for it.
    begun.addEventListener('success', () => order.push('the request succeeded'), { capture: true });
    begun.addEventListener('complete', () => order.push('the transaction completed'));
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  await store.record([own()]);
  order.push('acknowledged');
  expect(order).toEqual(['the request succeeded', 'the transaction completed', 'acknowledged']);
});

test('at the quota the failure says what to do', () => {
  const cause = new DOMException('whatever the browser says', 'QuotaExceededError');
  const failure = storageFailure('record events', cause);
  expect(failure).toMatchObject({ name: 'StorageFailed', cause });
  expect(failure.message).toBe(
    'could not record events: the browser grants no more room. Free some, or ask for more by navigator.storage.persist(); nothing was stored.',
  );
});

test('no name and user share a database with another name and user', () => {
  const pairs = [
    ['a', 'b:c'],
    ['a:b', 'c'],
    ['a', ''],
    ['', 'a'],
    ['a%3Ab', 'c'],
    ['é', ''],
    ['e', '\u0301'],
  ] as const;
  expect(new Set(pairs.map(([name, user]) => databaseName(name, user))).size).toBe(pairs.length);
  expect(() => databaseName('\ud800', '')).toThrow(expect.objectContaining({ name: 'InvalidOptions' }));
});

/** As a browser does that clears its data just then. */
function cutOffNextOpening(): void {
  const spy = vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(() => {
    throw new DOMException('The connection was closed.', 'AbortError');
  });
  onTestFinished(() => spy.mockRestore());
}

function rejectionsUnheard(): readonly unknown[] {
  const unheard: unknown[] = [];
  const hear = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    unheard.push(event.reason);
  };
  globalThis.addEventListener('unhandledrejection', hear);
  onTestFinished(() => globalThis.removeEventListener('unhandledrejection', hear));
  return unheard;
}

function freshName(): string {
  return databaseName(world.id(), '');
}

function own(id = '1', data: unknown = null): OwnSegment {
  const event = { specversion: '1.0', id, source: 'urn:test', type: 'note.added', data } as const;
  return { channel: 'room', outbound: true, at: 1, bytes: JSON.stringify(event).length, events: [event] };
}

function unexpected(failure: Failure): never {
  throw failure;
}
