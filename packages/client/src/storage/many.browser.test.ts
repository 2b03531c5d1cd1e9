// What durable handlers cost the disk, counted in transactions: many of them cost hardly more than one.
import {
  createEngine,
  createHandle,
  createMemoryDevice,
  defineEvents,
  payload,
  worldOf,
  type Failure,
  type Runtime,
} from '@godwit/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName } from './schema.ts';
import { openIdbStore } from './store.ts';

const world = worldOf(globalThis);
const events = defineEvents({ 'order.placed': payload<{ readonly n: number }>() });

test('an event for five hundred handlers takes a few transactions, and so does their start', async () => {
  const { shop, transactions } = await opened();
  await handledBy(shop, 500, 1);
  // Lease, what was left, the log, the first step; and one event, as below.
  expect(transactions.count).toBeLessThanOrEqual(40);
  transactions.count = 0;
  await handled(shop, 500, 2, [2]);
  expect(transactions.count).toBeLessThanOrEqual(12);
});

test('a thousand events for fifty handlers take as many transactions as their steps, and not fifty times as many', async () => {
  const { shop, transactions } = await opened();
  await handledBy(shop, 50, 1);
  transactions.count = 0;
  await handled(
    shop,
    50,
    1001,
    Array.from({ length: 1000 }, (_, n) => n),
  );
  expect(transactions.count).toBeLessThanOrEqual(150);
});

test('one handler takes what it took: a read, a claim and an end for each event', async () => {
  const { shop, transactions } = await opened();
  await handledBy(shop, 1, 1);
  transactions.count = 0;
  await handled(shop, 1, 2, [2]);
  // One records, and one reads for those who listen live.
  expect(transactions.count).toBeLessThanOrEqual(5);
});

type Shop = Runtime<typeof events>;

/** So many handlers, which have handled one event. */
async function handledBy(shop: Shop, handlers: number, events: number): Promise<void> {
  for (let n = 0; n < handlers; n += 1) shop.handle('order.placed', `handler ${n}`, () => undefined);
  await handled(shop, handlers, events, [0]);
}

/** Publishes these, and waits until each handler has handled so many in all. */
async function handled(shop: Shop, handlers: number, each: number, published: readonly number[]): Promise<void> {
  const all = vi.waitUntil(
    () => {
      const known = Object.values(shop.status.get().handlers);
      return known.length === handlers && known.every(({ totals }) => totals.handled === each);
    },
    { timeout: 30_000, interval: 5 },
  );
  await Promise.all(published.map((n) => shop.publish('order.placed', { n })));
  await all;
}

async function opened(): Promise<{ readonly shop: Shop; readonly transactions: { count: number } }> {
  const store = await openIdbStore({ name: databaseName(world.id(), ''), world, report: unexpected });
  const engine = createEngine({
    store,
    storage: 'indexeddb',
    tabs: createMemoryDevice().tab(),
    link: undefined,
    world,
    channels: [['shop', 'latest']],
  });
  const shop = await createHandle({ engine, events, world, channels: ['shop'], report: unexpected });
  onTestFinished(() => shop.destroy());
  const transactions = { count: 0 };
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    transactions.count += 1;
    return transaction.apply(this, args);
  });
  onTestFinished(() => spy.mockRestore());
  return { shop, transactions };
}

function unexpected(failure: Failure): never {
  throw failure;
}
