// A channel that is removed while it is used.
import { expect, test } from 'vitest';
import { Failure, toFailure } from '../failure.ts';
import { createFeedWorld, eventOf, items, range } from './test/reading.ts';

const numbered = (from: number, to: number): ReturnType<typeof items> =>
  items(...range(from, to).map((id) => eventOf(String(id))));

test('a removed channel tells its readers, and they read on in the next epoch', async () => {
  const { feed, read } = createFeedWorld();
  await feed.append(numbered(1, 3));
  const reader = await read({ after: 'earliest' });
  expect(await reader.ids(3)).toEqual(['1', '2', '3']);
  const before = (await feed.stat()).head;
  expect(await feed.remove()).toBe(true);
  expect((await reader.next()).frame).toMatchObject({ kind: 'gap', missed: null, reason: 'epoch' });
  await feed.append(numbered(1, 2));
  expect(await reader.ids(2)).toEqual(['1', '2']);
  expect((await feed.stat()).published).toBe(2);
  expect((await feed.page({ after: before, types: [], limit: 10, waitMs: 0 })).gap).toEqual({
    missed: null,
    reason: 'epoch',
  });
  await feed.remove();
  expect(await feed.remove()).toBe(false);
});

test('a log that another relay removes is followed by the next one: appends go on, and readers are told', async () => {
  const { feed, read, logs } = createFeedWorld();
  await feed.append(numbered(1, 3));
  const reader = await read({ after: 'earliest' });
  expect(await reader.ids(3)).toEqual(['1', '2', '3']);
  await logs.remove('room:1');
  expect(await feed.append(numbered(4, 4))).toMatchObject([{ status: 'appended' }]);
  expect((await reader.next()).frame).toMatchObject({ kind: 'gap', missed: null, reason: 'epoch' });
  expect(await reader.ids(1)).toEqual(['4']);
  for (const ask of [
    () => feed.stat(),
    () => feed.page({ after: 'earliest', types: [], limit: 10, waitMs: 0 }),
    () => read({ after: 'earliest' }),
  ]) {
    await logs.remove('room:1');
    await ask();
    expect(await feed.append(numbered(5, 5))).toMatchObject([{ status: 'appended' }]);
  }
});

test('who only reads is told of a removal by another relay at once, and hears what that one stores then', async () => {
  const { feed, read, logs } = createFeedWorld();
  await feed.append(numbered(1, 3));
  const reader = await read({ after: 'latest' });
  await logs.remove('room:1');
  expect((await reader.next()).frame).toMatchObject({ kind: 'gap', missed: null, reason: 'epoch' });
  await (await logs.open('room:1')).append([eventOf('4')], 0);
  expect(await reader.ids(1)).toEqual(['4']);
});

test('a log that cannot be opened after another relay has removed it is tried again, for those who read', async () => {
  let isAway = false;
  const { feed, read, logs, world } = createFeedWorld({}, (its) => ({
    ...its,
    open: async (channel) => {
      if (isAway) throw new Failure('StorageFailed', 'the host is away');
      return its.open(channel);
    },
  }));
  await feed.append(numbered(1, 3));
  const reader = await read({ after: 'latest' });
  isAway = true;
  await logs.remove('room:1');
  await world.advance(5000);
  isAway = false;
  await world.advance(5000);
  expect((await reader.next()).frame).toMatchObject({ kind: 'gap', missed: null, reason: 'epoch' });
  await (await logs.open('room:1')).append([eventOf('4')], 0);
  expect(await reader.ids(1)).toEqual(['4']);
});

test('a log that ends while it is opened is opened again, and nobody is told of a failure', async () => {
  let left = 2;
  const { feed, logs } = createFeedWorld({}, (its) => ({
    ...its,
    open: async (channel) => {
      const log = await its.open(channel);
      return {
        ...log,
        async stat() {
          if ((left -= 1) >= 0) await its.remove(channel);
          return log.stat();
        },
      };
    },
  }));
  await (await logs.open('room:1')).append([eventOf('0')], 0);
  expect(await feed.append(numbered(1, 1))).toMatchObject([{ status: 'appended' }]);
});

test('appends around a removal are in the old log or in the new one, and all are answered', async () => {
  const { feed } = createFeedWorld();
  await feed.append(numbered(1, 1));
  const before = feed.append(numbered(2, 2));
  const removed = feed.remove();
  const after = feed.append(numbered(3, 3));
  expect(await removed).toBe(true);
  expect(await before).toMatchObject([{ status: 'appended' }]);
  expect(await after).toMatchObject([{ status: 'appended' }]);
  expect((await feed.stat()).published).toBeLessThanOrEqual(2);
});

test('whoever reads while a channel is removed gets the old log or the new one, and no failure', async () => {
  for (const turns of range(0, 12)) {
    const { feed, read } = createFeedWorld();
    await feed.append(numbered(1, 3));
    const reads = [
      feed.page({ after: 'earliest', types: [], limit: 10, waitMs: 0 }),
      feed.stat(),
      read({ after: 'earliest' }),
    ];
    for (const _ of range(1, turns)) await Promise.resolve();
    expect(await feed.remove()).toBe(true);
    await Promise.all(reads);
  }
});

test('whoever reads while a second removal waits behind a first gets a log, and no failure', async () => {
  const held = Promise.withResolvers<void>();
  let removals = 0;
  const { feed, world } = createFeedWorld({}, (logs) => ({
    ...logs,
    async remove(channel) {
      const removed = await logs.remove(channel);
      removals += 1;
      if (removals === 2) await held.promise;
      return removed;
    },
  }));
  await feed.append(numbered(1, 1));
  const work = [feed.remove(), feed.append(numbered(2, 2)), feed.remove()];
  await world.settle();
  expect(removals).toBe(2);
  const page = feed.page({ after: 'earliest', types: [], limit: 10, waitMs: 0 });
  const outcome = page.then(
    ({ events }) => events.length,
    (error: unknown) => toFailure(error).name,
  );
  await world.settle();
  held.resolve();
  expect(await outcome).toBe(0);
  expect(await Promise.all(work)).toMatchObject([true, [{ status: 'appended' }], true]);
});
