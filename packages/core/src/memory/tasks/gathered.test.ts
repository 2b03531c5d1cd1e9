import { expect, test } from 'vitest';
import type { HandlerRecord, TaskStore } from '../../ports/tasks.ts';
import { step } from '../../testing/tasks/device.ts';
import { gathered, type Piece } from './gathered.ts';
import { memoryTable } from './memory-table.ts';
import { doNow } from './steps.ts';
import type { TaskTable } from './table.ts';
import { taskStoreOf } from './task-store.ts';

const names = Array.from({ length: 500 }, (_, n) => `handler ${n}`);

/** A store that shares its transactions, and how many pieces of work each of them had. */
function shared(disk: (pieces: readonly Piece[]) => Promise<void> = async () => undefined): {
  readonly store: TaskStore;
  readonly table: TaskTable;
  readonly transactions: number[];
} {
  const table = memoryTable({ records: new Map(), rows: new Map() });
  const transactions: number[] = [];
  const share = gathered(async (pieces) => {
    transactions.push(pieces.length);
    await disk(pieces);
    return pieces.map(({ work }) => doNow(work(table)));
  });
  return { store: taskStoreOf((_what, work, whose, upTo = 0) => share(work, whose, upTo)), table, transactions };
}

test('what five hundred handlers ask for at once is one transaction, and each hears its own answer', async () => {
  const { store, transactions } = shared();
  const records = await leasedAll(store);
  expect(records.map(({ name }) => name)).toEqual(names);
  const answers = await Promise.all(records.map((record, n) => store.advance(step(record, { claimed: n }))));
  expect(answers).toMatchObject(records.map((_, n) => ({ record: { name: `handler ${n}`, claimed: n, beat: 1 } })));
  expect(transactions).toEqual([500, 500]);
});

test('what is asked for while a transaction is under way shares the next one', async () => {
  const open = Promise.withResolvers<void>();
  const { store, transactions } = shared(() => open.promise);
  const asked = [lease(store, 'first')];
  // Each in a tick of its own, as outcomes come in.
  for (const name of names) {
    await Promise.resolve();
    await Promise.resolve();
    asked.push(lease(store, name));
  }
  open.resolve();
  await Promise.all(asked);
  expect(transactions).toEqual([1, 500]);
});

test('of one handler one piece of work is in a transaction, and the next comes behind it', async () => {
  const { store, transactions } = shared();
  const [one, other] = [await lease(store, 'one'), await lease(store, 'other')];
  const answers = await Promise.all([
    store.advance(step(one, { claimed: 1 })),
    store.advance(step(other, { claimed: 1 })),
    store.advance(step(one, { claimed: 2 })),
    store.advance(step(one, { claimed: 3 })),
    store.advance(step(other, { claimed: 2 })),
  ]);
  expect(answers.map((answer) => answer !== 'fenced' && [answer.record.claimed, answer.record.beat])).toEqual([
    [1, 1],
    [1, 1],
    [2, 2],
    [3, 3],
    [2, 2],
  ]);
  expect(transactions).toEqual([1, 1, 2, 1, 2]);
});

test('what may touch whatever there is has a transaction of its own', async () => {
  const { store, transactions } = shared();
  await Promise.all([lease(store, 'one'), store.change({}, 'retry', { at: 1, limit: 9 }), lease(store, 'other')]);
  expect(transactions).toEqual([1, 2]);
});

test('where not all of it can be stored, each is stored by itself, and only who cannot be hears why', async () => {
  const { store, table, transactions } = shared(async (pieces) => {
    // The one that claims up to 3 is the one that the disk does not take.
    if (pieces.some(({ upTo }) => upTo === 3)) throw new Error('no room');
  });
  const records = (await leasedAll(store)).slice(0, 5);
  const answers = await Promise.allSettled(records.map((record, n) => store.advance(step(record, { claimed: n }))));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(answers[3]).toMatchObject({ reason: { message: 'no room' } });
  expect(transactions).toEqual([500, 5, 1, 1, 1, 1, 1]);
  expect(records.map(({ name }) => table.record(name))).toMatchObject(
    records.map((_, n) => (n === 3 ? { claimed: 0, beat: 0 } : { claimed: n, beat: 1 })),
  );
  // And what comes next is shared as before.
  await Promise.all(records.map((record) => store.advance(step(record, { claimed: 9 }))));
  expect(transactions.slice(7)).toEqual([5]);
});

test('a shared transaction of which nobody knows whether it was committed counts nobody twice', async () => {
  const table = memoryTable({ records: new Map(), rows: new Map() });
  let isLost = false;
  const share = gathered(async (pieces) => {
    const results = pieces.map(({ work }) => doNow(work(table)));
    if (isLost && pieces.length > 1) throw new Error('the answer was lost');
    return results;
  });
  const store = taskStoreOf((_what, work, whose, upTo = 0) => share(work, whose, upTo));
  const records = await leasedAll(store);
  isLost = true;
  const totals = { passed: 3, handled: 2, failed: 1, dropped: {} };
  const answers = await Promise.all(records.map((record) => store.advance(step(record, { totals }))));
  expect(answers).toMatchObject(names.map((name) => ({ record: { name, beat: 1, totals } })));
  expect(await store.handlers()).toMatchObject(names.toSorted().map((name) => ({ name, beat: 1, totals })));
});

function leasedAll(store: TaskStore): Promise<readonly HandlerRecord[]> {
  return Promise.all(names.map((name) => lease(store, name)));
}

async function lease(store: TaskStore, handler: string): Promise<HandlerRecord> {
  const record = await store.lease({ handler, tab: 'alice', at: 1, start: 0 });
  if (record === null) throw new Error('there is no such handler');
  return record;
}
