// Two databases that belong together: what becomes of one when the other is lost, goes back, or was made by an older release.
import { worldOf, type DeviceStore, type Failure, type OwnSegment, type TaskRow } from '@godwit/core';
import { deleteDB, openDB } from 'idb';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connect, type Connection } from './connection.ts';
import { databaseName, handlersLayout, handlersName, logLayout, type Schema } from './schema.ts';
import { openIdbStore } from './store.ts';
import { takeOver } from './take-over.ts';
import { makeOlder } from './test/older.ts';

const world = worldOf(globalThis);

test('a handlers’ database that was deleted is told of by name, once; the log stays, and handlers begin anew', async () => {
  const name = await filled();
  await deleteDB(handlersName(name));
  const first = await opened(name);
  expect(first.reports).toEqual([expect.stringContaining('the database of durable handlers was deleted')]);
  expect(await first.store.handlers()).toEqual([]);
  expect((await first.store.read(0, 9)).entries).toHaveLength(3);
  await first.store.lease({ handler: 'count', tab: 'alice', at: 1, start: 0 });
  await first.store.close();

  const second = await opened(name);
  expect(second.reports).toEqual([]);
  expect(await second.store.handlers()).toMatchObject([{ name: 'count' }]);
});

test('a tab that dies when it has found the handlers deleted leaves it to the next one to tell', async () => {
  const name = await filled();
  await deleteDB(handlersName(name));
  // Dies on its way, as often as there is a way.
  const { deaths, reports } = await diesEverywhere(name);
  expect(deaths).toBeGreaterThan(1);
  expect(reports).toEqual([expect.stringContaining('the database of durable handlers was deleted')]);
});

test('handlers of a log that was deleted are thrown away, and that is told: their cursors are places in that log', async () => {
  const name = await filled();
  const before = await opened(name);
  const { deviceId } = await before.store.state();
  await before.store.close();
  await deleteDB(name);
  const { store, reports } = await opened(name);
  expect(reports).toEqual([expect.stringContaining("the device's log was deleted")]);
  expect((await store.state()).deviceId).not.toBe(deviceId);
  expect(await store.handlers()).toEqual([]);
  expect((await store.tasks({}, { limit: 9 })).tasks).toEqual([]);
  await store.close();
  expect((await opened(name)).reports).toEqual([]);
});

test.each([
  ['log', (name: string) => name],
  ['handlers', handlersName],
])('who deletes the %s under a tab that is open ends all of its store by name', async (_, which) => {
  const name = await filled();
  const { store } = await opened(name);
  await deleteDB(which(name));
  for (const call of [store.record([own('late')]), store.handlers(), store.state()]) {
    await expect(call).rejects.toMatchObject({ name: 'Closed', message: expect.stringContaining('another runtime') });
  }
});

test('destroying a store leaves neither of its databases', async () => {
  const name = await filled();
  const { store } = await opened(name);
  await store.destroy();
  const left = (await indexedDB.databases()).map((database) => database.name);
  expect(left).not.toContain(name);
  expect(left).not.toContain(handlersName(name));
});

test('where a loss of power took the log’s end, and not the handlers’, no event takes a place that they are beyond', async () => {
  const name = await filled();
  const before = await opened(name);
  const claimed = 3 * 1024;
  expect(await before.store.handlers()).toMatchObject([{ claimed }]);
  const { deviceId } = await before.store.state();
  await before.store.close();
  await loseEndOfLog(name, deviceId);

  const first = await opened(name);
  const tabs = [first, await opened(name)];
  const recorded = await Promise.all(tabs.map(({ store }, n) => store.record([own(`after ${n}`)])));
  expect(tabs.flatMap(({ reports }) => reports)).toEqual([]);
  for (const [position = 0] of recorded) expect(position).toBeGreaterThan(claimed);
  const { entries } = await first.store.read(claimed, 9);
  expect(entries.flatMap((entry) => (entry.kind === 'event' ? entry.event.id : [])).toSorted()).toEqual([
    'after 0',
    'after 1',
  ]);
  expect((await first.store.read(0, 9)).entries).toHaveLength(3);
  expect(await first.store.handlers()).toMatchObject([{ name: 'count', claimed }]);
});

test('a page that comes first after such a loss takes no such place either', async () => {
  const name = await filled();
  const before = await opened(name);
  const { deviceId } = await before.store.state();
  await before.store.close();
  await loseEndOfLog(name, deviceId);
  const { store } = await opened(name);
  expect(await store.merge({ channel: 'room', after: 'o1', last: 'o2', at: 1, bytes: 0, events: [] })).toBe('merged');
  const [position = 0] = await store.record([own('after')]);
  expect(position).toBeGreaterThan(3 * 1024);
});

test.each([2, 3] as const)(
  'what version %s held of handlers is there after the upgrade, many rows as well, and no longer in the log’s database',
  async (version) => {
    const name = databaseName(world.id(), '');
    await older(name, 1300, version);
    const { store, reports } = await opened(name);
    expect(reports).toEqual([]);
    expect(await store.handlers()).toMatchObject([{ name: 'count', claimed: 1024, rows: { dead: 1300 } }]);
    expect(await deadRows(store)).toBe(1300);
    expect((await store.state()).deviceId).toBe('the device of release 2');
    expect(await heldByLog(name)).toBe(0);
    expect(await store.change({ states: ['dead'] }, 'discard', { at: 1, limit: 2000 })).toMatchObject({
      changed: 1300,
    });
    await store.close();
    const again = await opened(name);
    expect(await deadRows(again.store)).toBe(0);
    expect(again.reports).toEqual([]);
  },
);

test('a tab that has read a page to copy, when another is done with all of them and at work, copies over nothing', async () => {
  const name = databaseName(world.id(), '');
  await older(name, 2);
  const fate = {};
  const log = await connect({ name, layout: logLayout, world, fate });
  const handlers = await connect({ name: handlersName(name), layout: handlersLayout, world, fate });
  const slow: Connection = {
    ...log,
    async run(what, work) {
      const page = await log.run(what, work);
      const { store } = await opened(name);
      expect(await store.change({ states: ['dead'] }, 'discard', { at: 1, limit: 9 })).toMatchObject({ changed: 2 });
      return page;
    },
  };
  await takeOver(slow, handlers, 'relaxed');
  const { store } = await opened(name);
  expect(await deadRows(store)).toBe(0);
  expect(await store.handlers()).toMatchObject([{ rows: { dead: 0 }, totals: { dropped: { discarded: 2 } } }]);
  await Promise.all([log.close(), handlers.close()]);
});

test('tabs that upgrade at once take each row over once', async () => {
  const name = databaseName(world.id(), '');
  await older(name, 600);
  const changed = await Promise.all(
    [1, 2, 3].map(async () => {
      const { store } = await opened(name);
      return store.change({ states: ['dead'] }, 'discard', { at: 1, limit: 2000 });
    }),
  );
  expect(changed.reduce((sum, each) => sum + each.changed, 0)).toBe(600);
  const { store } = await opened(name);
  expect(await deadRows(store)).toBe(0);
  expect(await store.handlers()).toMatchObject([{ rows: { dead: 0 }, totals: { dropped: { discarded: 600 } } }]);
});

test('a tab that dies anywhere on its way through the upgrade loses nothing: the next one goes on', async () => {
  const name = databaseName(world.id(), '');
  await older(name, 600);
  const { deaths, reports } = await diesEverywhere(name);
  expect(deaths).toBeGreaterThan(3);
  const { store } = await opened(name);
  expect(await store.handlers()).toMatchObject([{ name: 'count', claimed: 1024, rows: { dead: 600 } }]);
  expect(await deadRows(store)).toBe(600);
  expect(await heldByLog(name)).toBe(0);
  expect(reports).toEqual([]);
});

/** A device with three events, and a handler that has come by all of them and has a dead one. */
async function filled(): Promise<string> {
  const name = databaseName(world.id(), '');
  const { store } = await opened(name);
  for (const id of ['1', '2', '3']) await store.record([own(id)]);
  const record = await store.lease({ handler: 'count', tab: 'alice', at: 1, start: 0 });
  await store.advance({
    handler: 'count',
    term: record?.term ?? 0,
    at: 1,
    cursor: 3 * 1024,
    claimed: 3 * 1024,
    ended: [],
    put: [dead(1024)],
    remove: [],
    unblock: [],
    queue: [],
    claim: 0,
    totals: { passed: 3, handled: 2, failed: 1, dropped: {} },
    release: true,
  });
  await store.close();
  return name;
}

async function opened(name: string): Promise<{ readonly store: DeviceStore; readonly reports: string[] }> {
  const reports: string[] = [];
  const report = ({ message }: Failure): void => void reports.push(message);
  const store = await openIdbStore({ name, world, report });
  onTestFinished(() => store.destroy());
  return { store, reports };
}

/** Opens the store again and again, the tab dying one transaction that writes later each time, until one comes through, with its reports. */
async function diesEverywhere(name: string): Promise<{ readonly deaths: number; readonly reports: readonly string[] }> {
  const { transaction } = IDBDatabase.prototype;
  for (let deaths = 0; ; deaths += 1) {
    let writes = 0;
    const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
      this: IDBDatabase,
      ...args
    ) {
      if (args[1] === 'readwrite') writes += 1;
      if (writes > deaths) throw new DOMException('the tab is dead', 'DataError');
      return transaction.apply(this, args);
    });
    const reports: string[] = [];
    const isDead = await openIdbStore({ name, world, report: ({ message }) => reports.push(message) }).then(
      async (store) => {
        await store.close();
        return false;
      },
      () => true,
    );
    spy.mockRestore();
    if (!isDead) return { deaths, reports };
  }
}

/** The log's database as it was one commit after its beginning: its last two, and how far its numbers were, are lost. */
async function loseEndOfLog(name: string, deviceId: string): Promise<void> {
  const full = await openDB<Schema>(name);
  const [first] = await full.getAll('log');
  const bound = await full.get('meta', 'handlers');
  full.close();
  await deleteDB(name);
  const { version, upgrade } = logLayout;
  const rewound = await openDB<Schema>(name, version, { upgrade: (database) => upgrade(database, 0, deviceId) });
  if (first !== undefined) await rewound.add('log', first);
  if (bound !== undefined) await rewound.put('meta', bound);
  rewound.close();
}

/** A database as version 2 or 3 made it: an event, and a handler with so many dead rows. */
async function older(name: string, rows: number, version: 2 | 3 = 3): Promise<void> {
  const database = await makeOlder(name, version, 'the device of release 2');
  const transaction = database.transaction(['log', 'handlers', 'tasks'], 'readwrite');
  const { channel, at, bytes, events } = own('old');
  await Promise.all([
    transaction.objectStore('log').put({ v: 1, channel, n: 1, bytes, at, events, out: channel }),
    transaction.objectStore('handlers').put({
      v: 1,
      record: {
        name: 'count',
        cursor: 1024,
        claimed: 1024,
        ended: [],
        owner: null,
        term: 1,
        beat: 1,
        definedAt: 1,
        rows: { waiting: 0, blocked: 0, running: 0, dead: rows, deferred: 0, cancelled: 0 },
        due: null,
        totals: { passed: rows, handled: 0, failed: rows, dropped: {} },
      },
    }),
    ...Array.from({ length: rows }, (__, n) => transaction.objectStore('tasks').put({ v: 1, row: dead(n + 1) })),
    transaction.done,
  ]);
  database.close();
}

/** How many rows and records the log's database still holds of handlers. */
async function heldByLog(name: string): Promise<number> {
  const database = await openDB<Schema>(name);
  const held = (await database.count('tasks')) + (await database.count('handlers'));
  database.close();
  return held;
}

async function deadRows(store: DeviceStore): Promise<number> {
  return (await store.tasks({ states: ['dead'] }, { limit: 5000 })).tasks.length;
}

function dead(position: number): TaskRow {
  return {
    handler: 'count',
    position,
    state: 'dead',
    channel: 'room',
    event: own(`${position}`).events[0],
    offset: null,
    attempts: 3,
    key: null,
    at: 1,
    delayMs: 0,
    failure: null,
  };
}

function own(id: string): OwnSegment & { readonly events: readonly [OwnSegment['events'][number]] } {
  const event = { specversion: '1.0', id, source: 'urn:test', type: 'note.added' } as const;
  return { channel: 'room', outbound: true, at: 1, bytes: JSON.stringify(event).length, events: [event] };
}
