// Trimming takes part in two databases: cut between them, held against those who pin, and held up by whoever hangs.
import { worldOf, type DeviceStore, type Failure, type OwnSegment, type TrimRequest } from '@godwit/core';
import { contentsOf } from '@godwit/core/contracts';
import { createTestWorld } from '@godwit/core/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName } from './schema.ts';
import { openIdbStore } from './store.ts';
import { hang, nextTransaction } from './test/hang.ts';

const world = worldOf(globalThis);
const day = 24 * 3_600_000;
/** Everything is old enough, and handlers that were defined at the beginning pin nothing any more. */
const request: TrimRequest = { now: 8 * day, ageMs: 0, eventsMax: 0, bytesMax: 0, segmentsMax: 10 };

test('cut between the log’s part and the handlers’, what a handler has missed is owed, and the next step adds it', async () => {
  const { store } = await filled();
  const twin = await filled();
  for (let more = true; more;) ({ more } = await twin.store.trim(request));

  const real: (this: IDBObjectStore, ...args: never[]) => IDBRequest = IDBObjectStore.prototype.put;
  const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    if (Reflect.get(Object(args[0]), 'name') === 'paid') this.transaction.abort();
    return Reflect.apply(real, this, args);
  });
  onTestFinished(() => put.mockRestore());
  await expect(store.trim(request)).rejects.toMatchObject({ name: 'StorageFailed' });
  put.mockRestore();
  // Its log was trimmed, and readers are told; of the handlers nothing is.
  expect(await store.read(0, 9)).toMatchObject({ trimmed: true });
  expect(await store.handlers()).toMatchObject([{ totals: { passed: 0, dropped: {} } }]);

  for (let more = true; more;) ({ more } = await store.trim(request));
  expect(await store.handlers()).toMatchObject([{ totals: { passed: 6, dropped: { retention: 6 } } }]);
  expect(await store.handlers()).toEqual(await twin.store.handlers());
  expect((await store.read(0, 9)).entries).toEqual([]);
  // Paid once.
  await store.record([own('young', 8 * day)]);
  await store.trim(request);
  expect(await store.handlers()).toEqual(await twin.store.handlers());
});

test('cut before the log’s part has ended, nothing has happened', async () => {
  const { store } = await filled();
  const before = await contentsOf(store);
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    if (args[1] === 'readwrite' && begun.objectStoreNames.contains('log')) begun.commit = () => begun.abort();
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  await expect(store.trim(request)).rejects.toMatchObject({ name: 'StorageFailed' });
  spy.mockRestore();
  expect(await contentsOf(store)).toEqual(before);
});

test('a handler that is defined while the log is trimmed is so before or behind it, never in between', async () => {
  const { store, name } = await filled();
  const other = await open(name);
  const order: string[] = [];
  const { transaction } = IDBDatabase.prototype;
  const leased = Promise.withResolvers<void>();
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    if (args[1] === 'readwrite' && begun.objectStoreNames.contains('log')) {
      spy.mockRestore();
      begun.addEventListener('complete', () => order.push('trimmed'));
      other
        .lease({ handler: 'late', tab: 'bob', at: 8 * day, start: 0 })
        .then(() => order.push('defined'))
        .then(() => leased.resolve(), leased.reject);
    }
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  await store.trim(request);
  await leased.promise;
  expect(order).toEqual(['trimmed', 'defined']);
  // From now on it pins.
  const left = (await store.read(0, 9)).entries.length;
  expect(left).toBeGreaterThan(0);
  expect(await store.trim(request)).toMatchObject({ events: 0 });
  expect((await store.read(0, 9)).entries).toHaveLength(left);
});

test('while somebody hangs who writes to the log, trimming gives up by name, holds up no handler, and does nothing later', async () => {
  const time = createTestWorld();
  const { name, store: other } = await filled();
  const store = await open(name, time);
  const before = await other.read(0, 9);
  const asked = nextTransaction(
    ({ mode, objectStoreNames }) => mode === 'readonly' && objectStoreNames.contains('log'),
  );
  const endHang = await hang(name, 'log');
  const failed = expect(store.trim(request)).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('another tab, perhaps hung'),
  });
  const its = await asked;
  await time.advance(8000);
  await failed;
  expect(await other.lease({ handler: 'late', tab: 'bob', at: 1, start: 9999 })).toMatchObject({ owner: 'bob' });
  const ended = new Promise((resolve) => its.addEventListener('complete', resolve));
  endHang();
  await ended;
  expect(await other.read(0, 9)).toEqual(before);
  expect(await store.trim(request)).toMatchObject({ events: 4, more: true });
});

/** Six old events, each a commit of its own, and a handler that has come by none of them. */
async function filled(): Promise<{ readonly store: DeviceStore; readonly name: string }> {
  const name = databaseName(world.id(), '');
  const store = await open(name);
  for (const id of ['1', '2', '3', '4', '5', '6']) await store.record([own(id, 1)]);
  await store.lease({ handler: 'count', tab: 'alice', at: 1, start: 0 });
  return { store, name };
}

async function open(name: string, its = world): Promise<DeviceStore> {
  const store = await openIdbStore({ name, world: its, report: unexpected });
  onTestFinished(() => store.destroy());
  return store;
}

function own(id: string, at: number): OwnSegment {
  const event = { specversion: '1.0', id, source: 'urn:test', type: 'note.added' } as const;
  return { channel: 'room', outbound: false, at, bytes: JSON.stringify(event).length, events: [event] };
}

function unexpected(failure: Failure): never {
  throw failure;
}
