import { expect, test } from 'vitest';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import type { DeviceStore } from '../ports/tasks.ts';
import { event, own } from '../testing/store/device.ts';
import { createTestWorld } from '../testing/world.ts';
import { sharedRead } from './shared-read.ts';

/** A store with two events, and where it was read. */
async function opened(): Promise<{ readonly store: DeviceStore; readonly reads: number[] }> {
  const store = openMemoryStore(createMemoryDatabase(), createTestWorld());
  await store.record([own('orders', [event('1', { n: 1 }), event('2', { n: 2 })])]);
  const reads: number[] = [];
  return {
    reads,
    store: {
      ...store,
      read(after, limit) {
        reads.push(after);
        return store.read(after, limit);
      },
    },
  };
}

test('who asks in one tick for what lies behind the same place reads once', async () => {
  const { store, reads } = await opened();
  const read = sharedRead(store);
  const runs = await Promise.all([...Array.from({ length: 500 }, () => read(0, 512)), read(1024, 512), read(0, 1)]);
  expect(reads).toEqual([0, 1024, 0]);
  expect(new Set(runs.slice(0, 500).map(({ entries }) => entries.length))).toEqual(new Set([2]));
  expect(runs.slice(500).map(({ entries, atHead }) => [entries.length, atHead])).toEqual([
    [1, true],
    [1, false],
  ]);
});

test('who asks once a read has begun reads anew: it is to see what was stored meanwhile', async () => {
  const { store } = await opened();
  const begun = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  const read = sharedRead({
    async read(after, limit) {
      const run = await store.read(after, limit);
      begun.resolve();
      await open.promise;
      return run;
    },
  });
  const first = read(0, 512);
  await begun.promise;
  await store.record([own('orders', [event('3')])]);
  const second = read(0, 512);
  open.resolve();
  expect((await first).entries).toHaveLength(2);
  expect((await second).entries).toHaveLength(3);
});

test('each has its own copy of what it wants', async () => {
  const { store } = await opened();
  const read = sharedRead(store);
  const [first, second, none] = await Promise.all([read(0, 512), read(0, 512), read(0, 512, () => false)]);
  expect(second).toEqual(first);
  expect(none).toEqual({ ...first, entries: [] });
  for (const entry of first.entries)
    if (entry.kind === 'event') Object.assign(Object(entry.event.data), { n: 'changed' });
  expect(second.entries).toMatchObject([{ event: { data: { n: 1 } } }, { event: { data: { n: 2 } } }]);
});

test('a read that fails fails for all who asked, and is tried anew', async () => {
  const { store } = await opened();
  let isBroken = true;
  const read = sharedRead({
    async read(after, limit) {
      if (isBroken) throw new Error('no disk');
      return store.read(after, limit);
    },
  });
  expect(await Promise.allSettled([read(0, 9), read(0, 9)])).toMatchObject([
    { reason: { message: 'no disk' } },
    { reason: { message: 'no disk' } },
  ]);
  isBroken = false;
  expect((await read(0, 9)).entries).toHaveLength(2);
});
