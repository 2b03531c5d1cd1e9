import { expect, test } from 'vitest';
import type { ReadQuery } from './query.ts';
import { createFeedWorld, eventOf, items, range } from './test/reading.ts';

const page = (query: Partial<ReadQuery & { limit: number; waitMs: number }> = {}) => ({
  after: 'earliest',
  types: [],
  limit: 100,
  waitMs: 0,
  ...query,
});
const idsOf = (events: readonly string[]): readonly string[] =>
  events.map((json) => (JSON.parse(json) as { id: string }).id);
const ids = (from: number, to: number): readonly string[] => range(from, to).map(String);

test('pages go on from one another and leave nothing out', async () => {
  const { feed } = createFeedWorld();
  await feed.append(items(...ids(1, 25).map((id) => eventOf(id))));
  const read: string[] = [];
  let after = 'earliest';
  for (const upToDate of [false, false, true]) {
    const got = await feed.page(page({ after, limit: 10 }));
    expect(got.upToDate).toBe(upToDate);
    read.push(...idsOf(got.events));
    after = got.next;
  }
  expect(read).toEqual(ids(1, 25));
  expect(await feed.page(page({ after }))).toEqual({ events: [], next: after, upToDate: true });
});

test('a filtered page goes on past what it passed by', async () => {
  const { feed } = createFeedWorld();
  const typed = ids(1, 300).map((id, index) => eventOf(id, { type: index % 100 === 99 ? 'rare' : 'common' }));
  await feed.append(items(...typed));
  const got = await feed.page(page({ types: ['rare'], limit: 2 }));
  expect(idsOf(got.events)).toEqual(['100', '200']);
  const rest = await feed.page(page({ types: ['rare'], limit: 2, after: got.next }));
  expect([idsOf(rest.events), rest.upToDate]).toEqual([['300'], true]);
});

test('a long poll waits for news that it wants', async () => {
  const { feed, world } = createFeedWorld();
  const poll = feed.page(page({ after: 'latest', types: ['todo.*'], waitMs: 30_000 }));
  await world.advance(10_000);
  await feed.append(items(eventOf('1', { type: 'order.placed' })));
  await world.advance(10_000);
  await feed.append(items(eventOf('2')));
  expect(idsOf((await poll).events)).toEqual(['2']);
  expect(world.timers).toBeLessThanOrEqual(1);
});

test('a long poll without news answers when its time is up, and has moved past what was filtered', async () => {
  const { feed, world } = createFeedWorld();
  let isDone = false;
  const poll = feed.page(page({ after: 'latest', types: ['todo.*'], waitMs: 1000 })).finally(() => (isDone = true));
  const [result] = await feed.append(items(eventOf('1', { type: 'order.placed' })));
  await world.advance(999);
  expect(isDone).toBe(false);
  await world.advance(1);
  expect(await poll).toEqual({ events: [], next: result?.status === 'appended' && result.offset, upToDate: true });
});

test('a long poll on a channel that is removed is told of the gap', async () => {
  const { feed, world } = createFeedWorld();
  await feed.append(items(eventOf('1')));
  const poll = feed.page(page({ after: 'latest', waitMs: 30_000 }));
  await world.settle();
  await feed.remove();
  expect(await poll).toMatchObject({ events: [], gap: { missed: null, reason: 'epoch' } });
});

test('a page of a channel that nobody has written to is empty', async () => {
  const { feed, logs } = createFeedWorld();
  expect(await feed.page(page())).toMatchObject({ events: [], upToDate: true });
  expect(await logs.channels()).toEqual([]);
});

test('what a page hands over is counted as every transport’s: once, and not where it is refused or only looked at', async () => {
  const { feed, logs, world } = createFeedWorld();
  const typed = ids(1, 9).map((id) => eventOf(id, { type: Number(id) % 3 === 0 ? 'rare' : 'common' }));
  await feed.append(items(...typed));
  await feed.page(page({ limit: 4 }));
  await feed.page({ ...page(), isLook: true });
  await feed.page(page({ types: ['rare'] }));
  expect(await feed.stat()).toMatchObject({ delivered: 7, filtered: 6, dropped: {}, queueDepth: 0 });
  const { head } = await feed.stat();
  const late = feed.page({ ...page({ after: head, waitMs: 30_000 }), until: world.now() + 1000 });
  const refused = expect(late).rejects.toMatchObject({ name: 'Unauthenticated' });
  await world.advance(1000);
  await refused;
  const polls = [
    feed.page(page({ after: head, waitMs: 30_000 })),
    feed.page(page({ after: head, waitMs: 30_000, types: ['rare'] })),
  ];
  await world.settle();
  await feed.append(items(eventOf('10', { type: 'common' })));
  await feed.append(items(eventOf('11', { type: 'rare' })));
  expect((await Promise.all(polls)).map(({ events }) => idsOf(events))).toEqual([['10'], ['11']]);
  expect(await feed.stat()).toMatchObject({ delivered: 9, filtered: 7 });
  const log = await logs.open('room:1');
  const trimmed = await log.trim({ before: 0, bytesMax: 1 });
  expect((await feed.page(page({ after: head }))).gap).toEqual({ missed: trimmed - 9, reason: 'retention' });
  expect(await feed.stat()).toMatchObject({ delivered: 9, dropped: { retention: trimmed - 9 } });
});
