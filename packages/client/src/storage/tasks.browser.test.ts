import { worldOf, type Advanced, type DeviceStore, type Failure, type HandlerRecord, type TaskRow } from '@godwit/core';
import { step } from '@godwit/core/contracts';
import { deleteDB } from 'idb';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName } from './schema.ts';
import { openIdbStore } from './store.ts';

const world = worldOf(globalThis);
const totals = { passed: 1, handled: 1, failed: 0, dropped: {} };

test('at the quota a step is not kept, says so by name, and a smaller one works', async () => {
  await useSmallDisk(300_000);
  const { store, record } = await opened();
  const large = row(1, { event: { ...row(1).event, data: 'x'.repeat(400_000) } });
  await expect(store.advance(step(record, { put: [row(2), large], totals, release: true }))).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('the browser grants no more room'),
  });
  expect(await store.handlers()).toEqual([record]);
  expect((await store.tasks({}, { limit: 9 })).tasks).toEqual([]);
  expect(await store.advance(step(record, { put: [row(2)], totals }))).toMatchObject({
    record: { beat: record.beat + 1, rows: { waiting: 1 }, totals },
  });
});

test('at the quota whoever publishes is refused, and nobody is left without an answer', async () => {
  await useSmallDisk(300_000);
  const { store } = await opened();
  const events = [
    { specversion: '1.0', id: '1', source: 'urn:alice', type: 'note.added', data: 'x'.repeat(500) },
  ] as const;
  const refused = new Set<string>();
  // Far more than there is room for; some at the same time, as tabs do.
  for (let round = 0; round < 150; round += 1) {
    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, () => store.record([{ channel: 'board', outbound: true, at: 0, bytes: 600, events }])),
    );
    for (const answer of answers) if (answer.status === 'rejected') refused.add(String(answer.reason));
  }
  expect([...refused].join()).toMatch(
    /^StorageFailed: could not record events: the browser grants no more room[^]*nothing was stored\.$/,
  );
});

test('a store that is closed at once has stored everything that it was asked before', async () => {
  const { store, name } = await opened();
  const names = Array.from({ length: 40 }, (_, n) => `handler ${n}`);
  const records = await Promise.all(names.map((handler) => store.lease({ handler, tab: 'alice', at: 1, start: 0 })));
  // The second of each waits for the transaction of the first.
  const asked = records.flatMap((record) =>
    record === null ? [] : [1, 2].map((claimed) => store.advance(step(record, { claimed }))),
  );
  await store.close();
  expect((await Promise.all(asked)).filter((answer) => answer === 'fenced')).toEqual([]);
  const again = await openIdbStore({ name, world, report: unexpected });
  onTestFinished(() => again.close());
  const kept = (await again.handlers()).filter((handler) => names.includes(handler.name));
  expect(kept.map(({ claimed }) => claimed)).toEqual(names.map(() => 2));
});

test('a step that is aborted from outside is done once more, and counts once', async () => {
  const { store, record } = await opened();
  const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(function abort(this: IDBObjectStore) {
    this.transaction.abort();
    return this.get('nothing');
  });
  onTestFinished(() => put.mockRestore());
  const answer = await store.advance(step(record, { put: [row(1), row(2)], claim: 1, totals }));
  expect(answer).toMatchObject({ claimed: [{ position: 1 }], record: { beat: record.beat + 1, totals } });
  expect(await store.handlers()).toMatchObject([{ beat: record.beat + 1, rows: { waiting: 1, running: 1 }, totals }]);
});

test('a step that is aborted whenever it is tried fails by name, and nothing of it is stored', async () => {
  const { store, record } = await opened();
  const commit = vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function abort(this: IDBTransaction) {
    this.abort();
  });
  onTestFinished(() => commit.mockRestore());
  await expect(store.advance(step(record, { put: [row(1)], totals }))).rejects.toMatchObject({ name: 'StorageFailed' });
  expect(commit).toHaveBeenCalledTimes(3);
  commit.mockRestore();
  expect(await store.handlers()).toEqual([record]);
  expect(await store.advance(step(record, { put: [row(1)], totals }))).toMatchObject({ record: { totals } });
});

test('a step of which one request fails says why, and is not tried again', async () => {
  const { store, record } = await opened();
  const { record: before } = taken(await store.advance(step(record, { put: [row(1)] })));
  const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(function (this: IDBObjectStore, value) {
    return this.add(value);
  });
  onTestFinished(() => put.mockRestore());
  const changes = { put: [row(1, { state: 'dead' }), row(2)], claim: 1, totals } as const;
  await expect(store.advance(step(record, changes))).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('ConstraintError'),
  });
  expect(put.mock.calls.filter(([value]) => Reflect.has(Object(value), 'record'))).toEqual([]);
  expect(await store.handlers()).toEqual([before]);
  expect((await store.tasks({}, { limit: 9 })).tasks).toEqual([row(1)]);
});

test('a step that was committed, and whose answer was lost, is not done again: what it claimed is answered', async () => {
  const { store, record } = await opened();
  await store.advance(step(record, { put: [row(1), row(2)] }));
  const lost = loseNextCompletion();
  const answer = await store.advance(step(record, { claim: 1, totals }));
  expect(lost.count).toBe(1);
  expect(answer).toMatchObject({ claimed: [{ position: 1, attempts: 2 }], record: { beat: record.beat + 2, totals } });
  expect(await store.handlers()).toMatchObject([{ beat: record.beat + 2, rows: { waiting: 1, running: 1 }, totals }]);
});

test('a last step that was committed, and whose answer was lost, is known to have let go', async () => {
  const { store, record } = await opened();
  loseNextCompletion();
  expect(await store.advance(step(record, { totals, release: true }))).toMatchObject({
    record: { owner: null, totals },
  });
  expect(await store.handlers()).toMatchObject([{ owner: null, totals }]);
});

test('a step is acknowledged when its transaction has completed, not when its requests have succeeded', async () => {
  const { store, record } = await opened();
  const order: string[] = [];
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    begun.addEventListener('success', () => order.push('request'), { capture: true });
    begun.addEventListener('complete', () => order.push('complete'));
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  await store.advance(step(record, { put: [row(1)] }));
  order.push('acknowledged');
  expect(order.slice(-2)).toEqual(['complete', 'acknowledged']);
  expect(order.filter((each) => each === 'complete')).toHaveLength(1);
});

test('claiming from a handler\u2019s part of the log is two requests, however many events it is', async () => {
  const { store, record } = await opened();
  // The first step of a connection reserves positions for many.
  await store.advance(step(record, { claimed: 1 }));
  const asked: string[] = [];
  for (const [type, names] of [
    [IDBObjectStore.prototype, ['get', 'getAll', 'put', 'delete', 'openCursor']],
    [IDBIndex.prototype, ['get', 'getAll', 'openKeyCursor', 'openCursor']],
  ] as const) {
    for (const name of names) {
      const original: unknown = Reflect.get(type, name);
      if (typeof original !== 'function') throw new Error(`there is no ${name}`);
      Reflect.set(type, name, function (this: unknown, ...args: unknown[]): unknown {
        asked.push(name);
        return Reflect.apply(original, this, args);
      });
      onTestFinished(() => void Reflect.set(type, name, original));
    }
  }
  await store.advance(step(record, { cursor: 0, claimed: 1535, claim: 99, totals: { ...totals, passed: 512 } }));
  expect(asked).toEqual(['get', 'put']);
});

test('handlers and the log never meet in one transaction, nor in one database', async () => {
  const { store, record, name } = await opened();
  const scopes: string[] = [];
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    scopes.push(`${this.name === name ? 'log' : 'handlers'}: ${begun.mode}: ${[...begun.objectStoreNames].join(', ')}`);
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  const scopesOf = async (...asked: readonly Promise<unknown>[]): Promise<readonly string[]> => {
    await Promise.all(asked);
    return [...new Set(scopes.splice(0))].toSorted();
  };
  expect(
    await scopesOf(
      store.lease({ handler: 'send-receipt', tab: 'alice', at: 1 }),
      store.advance(step(record, { put: [row(1)], claim: 1 })),
      store.change({}, 'retry', { at: 1, limit: 9 }),
      store.cancelAhead({ ...row(99) }),
      store.forget('send-receipt'),
      store.tasks({}, { limit: 9 }),
      store.handlers(),
    ),
  ).toEqual([
    'handlers: readonly: handlers',
    'handlers: readonly: handlers, tasks',
    'handlers: readonly: meta',
    'handlers: readwrite: handlers, tasks',
    'handlers: readwrite: meta',
  ]);
  expect(
    await scopesOf(
      store.record([{ channel: 'orders', outbound: true, at: 1, bytes: 1, events: [row(1).event] }]),
      store.merge({ channel: 'orders', after: 'latest', last: 'o1', at: 1, bytes: 0, events: [] }),
      store.confirm({ channel: 'orders', sent: 1024, rejected: [] }),
      store.read(0, 9),
      store.own('orders', 0, 9),
      store.state(),
    ),
  ).toEqual([
    'log: readonly: cursors, log, meta',
    'log: readonly: log',
    'log: readonly: log, meta',
    'log: readwrite: cursors, log',
    'log: readwrite: cursors, rejected',
    'log: readwrite: log',
  ]);
});

test('a step of trimming that is aborted takes nothing along', async () => {
  const { store } = await opened();
  await store.record([{ channel: 'orders', outbound: false, at: 1, bytes: 1, events: [row(1).event, row(2).event] }]);
  const remove = vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(function (this: IDBObjectStore) {
    this.transaction.abort();
    return this.get('nothing');
  });
  onTestFinished(() => remove.mockRestore());
  const request = { now: 1e12, ageMs: 1, eventsMax: Infinity, bytesMax: Infinity, segmentsMax: 9 };
  await expect(store.trim(request)).rejects.toMatchObject({ name: 'StorageFailed' });
  remove.mockRestore();
  const run = await store.read(0, 9);
  expect(run.entries).toHaveLength(2);
  expect(run.trimmed).toBeUndefined();
  expect(await store.trim(request)).toMatchObject({ events: 2, held: { events: 0, bytes: 0 } });
});

test('a database that another tab deletes ends the handlers by name', async () => {
  const { store, record, name } = await opened();
  await deleteDB(name);
  await expect(store.advance(step(record, { put: [row(1)] }))).rejects.toMatchObject({ name: 'Closed' });
  await expect(store.handlers()).rejects.toMatchObject({ name: 'Closed' });
  await expect(store.trim({ now: 1, ageMs: 1, eventsMax: 1, bytesMax: 1, segmentsMax: 1 })).rejects.toMatchObject({
    name: 'Closed',
  });
});

function taken(answer: Advanced | 'fenced'): Advanced {
  if (answer === 'fenced') throw new Error('the step was fenced');
  return answer;
}

async function opened(): Promise<{
  readonly store: DeviceStore;
  readonly record: HandlerRecord;
  readonly name: string;
}> {
  const name = databaseName(world.id(), '');
  const store = await openIdbStore({ name, world, report: unexpected });
  onTestFinished(() => store.destroy());
  const record = await store.lease({ handler: 'send-receipt', tab: 'alice', at: 1, start: 0 });
  if (record === null) throw new Error('there is no such handler');
  return { store, record, name };
}

/** Chromium's buckets of storage, each with a quota and a database factory of its own (w3c/storage-buckets). */
interface Buckets {
  open(name: string, options: { readonly quota: number }): Promise<{ readonly indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}

declare global {
  interface Navigator {
    readonly storageBuckets: Buckets;
  }
}

/** Until the test ends, the browser lends so many bytes and no more. */
async function useSmallDisk(quota: number): Promise<void> {
  const buckets = navigator.storageBuckets;
  const name = world.id();
  const { indexedDB } = await buckets.open(name, { quota });
  vi.stubGlobal('indexedDB', indexedDB);
  onTestFinished(async () => {
    vi.unstubAllGlobals();
    await buckets.delete(name);
  });
}

/** The next transaction that writes completes, and this thread hears that it was aborted, as when the browser's storage process dies. */
function loseNextCompletion(): { readonly count: number } {
  const lost = { count: 0 };
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    if (args[1] === 'readwrite' && lost.count === 0) {
      lost.count += 1;
      // First to hear of it, and the last.
      begun.addEventListener('complete', (event) => {
        event.stopImmediatePropagation();
        begun.dispatchEvent(new Event('abort'));
      });
    }
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  return lost;
}

function row(position: number, its: Partial<TaskRow> = {}): TaskRow {
  return {
    handler: 'send-receipt',
    position,
    state: 'waiting',
    channel: 'orders',
    event: { specversion: '1.0', id: `${position}`, source: 'urn:test', type: 'order.paid' },
    offset: null,
    attempts: 1,
    key: null,
    at: 1,
    delayMs: 0,
    failure: null,
    ...its,
  };
}

function unexpected(failure: Failure): never {
  throw failure;
}
