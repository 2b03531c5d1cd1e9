import { worldOf, type DeviceStore, type HandlerRecord, type Step, type TaskRow } from '@godwit/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName } from './schema.ts';
import { openIdbStore } from './store.ts';

const world = worldOf(globalThis);

/** Everything that a device knows, and everything that it holds. */
async function allOf(store: DeviceStore): Promise<unknown> {
  return [await store.state(), await store.read(0, 100), await store.handlers(), await store.tasks({}, { limit: 100 })];
}

test.each<readonly [string, (store: DeviceStore, record: HandlerRecord) => Promise<unknown>]>([
  ['recording a burst', (store) => store.record([own('a', 'b'), own('c')])],
  [
    'merging a page',
    (store) =>
      store.merge({
        channel: 'room',
        after: 'o1',
        last: 'o2',
        at: 1,
        bytes: 9,
        events: [{ event: event('theirs'), offset: 'o2', echo: false }],
        echo: 1024,
        recheckTo: 'o9',
      }),
  ],
  [
    'confirming what was sent',
    (store) =>
      store.confirm({
        channel: 'room',
        sent: 1024,
        rejected: [{ event: event('first'), failure: { name: 'InvalidEvent', message: 'no' } }],
      }),
  ],
  [
    'a step of a durable handler',
    (store, record) =>
      store.advance(
        step(record, {
          cursor: 1024,
          claimed: 2048,
          put: [row(7), row(8, { state: 'dead' })],
          remove: [1, 2, 5],
          unblock: ['alice'],
          claim: 2,
          totals: { passed: 3, handled: 2, failed: 1, dropped: { skipped: 1 } },
        }),
      ),
  ],
  ['running dead letters again', (store) => store.change({ states: ['dead'] }, 'retry', { at: 5000, limit: 100 })],
  [
    'trimming',
    (store) => {
      const bounds = { ageMs: 0, eventsMax: 0, bytesMax: 0, segmentsMax: 100 };
      return store.trim({ ...bounds, now: 8 * 24 * 3_600_000 });
    },
  ],
])('%s, cut off between any two of its writes, leaves all of it or nothing', async (_, work) => {
  const { store, record } = await opened();
  const before = await allOf(store);
  let cuts = 0;
  for (;;) {
    const cut = cutBehind(cuts);
    const failed = await work(store, record).then(
      () => false,
      () => true,
    );
    cut.restore();
    if (!cut.wasCut) {
      expect(failed).toBe(false);
      break;
    }
    expect(failed).toBe(true);
    expect(await allOf(store)).toEqual(before);
    cuts += 1;
  }
  expect(cuts).toBeGreaterThan(1);
  expect(await allOf(store)).not.toEqual(before);
});

/** Ends each transaction once it has asked for so many writes, as the death of its process does; until `restore`. */
function cutBehind(writes: number): { readonly wasCut: boolean; restore(): void } {
  const asked = new WeakMap<IDBTransaction, number>();
  let wasCut = false;
  const count = (transaction: IDBTransaction): void => {
    const before = asked.get(transaction) ?? 0;
    asked.set(transaction, before + 1);
    if (before < writes) return;
    wasCut = true;
    transaction.abort();
  };
  const spies = (['put', 'add', 'delete'] as const).map((name) => {
    const real: (this: IDBObjectStore, ...args: never[]) => IDBRequest = IDBObjectStore.prototype[name];
    return vi.spyOn(IDBObjectStore.prototype, name).mockImplementation(function (
      this: IDBObjectStore,
      ...args: readonly unknown[]
    ) {
      count(this.transaction);
      // Of a transaction that has ended it throws, as it does of one that the browser has aborted.
      return Reflect.apply(real, this, args);
    });
  });
  const restore = (): void => {
    for (const spy of spies) spy.mockRestore();
  };
  onTestFinished(restore);
  return {
    get wasCut() {
      return wasCut;
    },
    restore,
  };
}

/** A device with a log, a page, and a handler with rows in every state. */
async function opened(): Promise<{ readonly store: DeviceStore; readonly record: HandlerRecord }> {
  const store = await openIdbStore({ name: databaseName(world.id(), ''), world });
  onTestFinished(() => store.destroy());
  await store.record([own('first')]);
  await store.merge({ channel: 'room', after: 'earliest', last: 'o1', at: 1, bytes: 0, events: [] });
  const lease = await store.lease({ handler: 'send-receipt', tab: 'alice', at: 1, start: 4096 });
  if (lease === null) throw new Error('there is no such handler');
  const rows = [
    row(1, { state: 'running' }),
    row(2, { state: 'running', key: 'alice' }),
    row(3, { state: 'blocked', key: 'alice' }),
    row(4, { state: 'dead' }),
    row(5, { state: 'deferred' }),
    row(6),
  ];
  const done = await store.advance(step(lease, { put: rows }));
  if (done === 'fenced') throw new Error('the step was fenced');
  return { store, record: done.record };
}

function event(id: string): TaskRow['event'] {
  return { specversion: '1.0', id, source: 'urn:test', type: 'order.paid' };
}

function own(...ids: readonly string[]): Parameters<DeviceStore['record']>[0][number] {
  return { channel: 'local', outbound: false, at: 1, bytes: 9, events: ids.map(event) };
}

function row(position: number, its: Partial<TaskRow> = {}): TaskRow {
  return {
    handler: 'send-receipt',
    position,
    state: 'waiting',
    channel: 'local',
    event: event(`${position}`),
    offset: null,
    attempts: 1,
    key: null,
    at: 1,
    delayMs: 0,
    failure: null,
    ...its,
  };
}

function step({ name: handler, term, cursor, claimed }: HandlerRecord, its: Partial<Step>): Step {
  return {
    handler,
    term,
    at: 1000,
    cursor,
    claimed,
    ended: [],
    put: [],
    remove: [],
    unblock: [],
    queue: [],
    claim: 0,
    totals: { passed: 0, handled: 0, failed: 0, dropped: {} },
    release: false,
    ...its,
  };
}
