// Long reads by few readers: what a log is asked for, and that everybody else has a turn meanwhile.
import { expect, test } from 'vitest';
import type { Logs } from '../ports/log.ts';
import { createFeedWorld, eventOf, items, range, type FeedWorld } from './test/reading.ts';

/** A channel, and how many records each read of its log asked for. */
function create(ringBytes?: number): FeedWorld & { readonly reads: number[] } {
  const reads: number[] = [];
  const counting = (logs: Logs): Logs => ({
    ...logs,
    async open(channel) {
      const log = await logs.open(channel);
      return { ...log, read: (after, limit) => (reads.push(limit), log.read(after, limit)) };
    },
  });
  return { ...createFeedWorld(ringBytes === undefined ? {} : { ringBytes }, counting), reads };
}

/** Events of a type that hardly anybody asks for, and one at the end that somebody does. */
const mostlyCommon = (count: number): ReturnType<typeof items> =>
  items(...range(1, count).map((id) => eventOf(String(id), { type: id === count ? 'rare' : 'common' })));

const rare = { after: 'earliest', types: ['rare'], limit: 1, waitMs: 0 };

test('a filtered page with a small limit reads the log by whole pages, with a turn for others between two', async () => {
  const { feed, world, reads } = create();
  await feed.append(mostlyCommon(5000));
  const page = feed.page(rare);
  await world.settle();
  expect(reads).toEqual([256]);
  await world.advance(0);
  expect((await page).events).toHaveLength(1);
  expect(reads).toHaveLength(20);
});

test('one filtered page looks at ten thousand events at most, and the next goes on behind them', async () => {
  const { feed, world, reads } = create();
  await feed.append(mostlyCommon(12_000));
  const page = feed.page(rare);
  await world.advance(0);
  const { events, upToDate, next } = await page;
  expect([events, upToDate, reads.length]).toEqual([[], false, 40]);
  const rest = feed.page({ ...rare, after: next });
  await world.advance(0);
  expect((await rest).events).toHaveLength(1);
});

test('a filtered page of large events reads a bounded part of the log', async () => {
  const { feed, world, reads } = create();
  const data = 'x'.repeat(200_000);
  for (const id of range(1, 150)) await feed.append(items(eventOf(String(id), { data })));
  const page = feed.page(rare);
  await world.advance(0);
  expect(await page).toMatchObject({ events: [], upToDate: false });
  expect(reads.length).toBe(64);
});

test('what is trimmed during a filtered page is the next page’s gap, and nothing is passed over unsaid', async () => {
  const { feed, world, logs } = create();
  for (const batch of range(0, 9)) {
    await feed.append(
      items(...range(1, 100).map((id) => eventOf(`${batch}.${id}`, { type: id === 1 ? 'rare' : 'common' }))),
    );
  }
  const page = feed.page({ ...rare, limit: 10 });
  await world.settle();
  await (await logs.open('room:1')).trim({ before: 0, bytesMax: 10_000 });
  await world.advance(0);
  const { events, next, gap } = await page;
  expect([events.length, gap]).toEqual([3, undefined]);
  const rest = feed.page({ ...rare, limit: 10, after: next });
  await world.advance(0);
  expect((await rest).gap).toMatchObject({ reason: 'retention', missed: expect.any(Number) });
});

test('one poll that ends does not make the others look', async () => {
  const { feed, world, reads } = create();
  await feed.append(items(eventOf('1')));
  const polls = range(1, 20).map((seconds) => feed.page({ ...rare, after: 'latest', waitMs: seconds * 1000 }));
  await world.settle();
  const before = reads.length;
  await world.advance(20_000);
  await Promise.all(polls);
  expect([before, reads.length]).toEqual([20, 20]);
});

test('a filtered stream reads a page of the log at a turn, and none once its reader has gone', async () => {
  const { feed, world, read, reads } = create();
  await feed.append(mostlyCommon(3000));
  const stream = await feed.stream({ after: 'earliest', types: ['rare'], heartbeat: true });
  await world.settle();
  expect(reads.length).toBe(1);
  await stream.cancel();
  await world.advance(0);
  expect(reads.length).toBe(1);
  const reader = await read({ after: 'earliest', types: ['rare'] });
  expect(await reader.ids(1)).toEqual(['3000']);
});

test('a long replay without a filter gives others a turn now and then', async () => {
  const { feed, world, reads } = create();
  await feed.append(mostlyCommon(5000));
  const stream = await feed.stream({ after: 'earliest', types: [], heartbeat: true });
  let bytes = 0;
  const reading = (async () => {
    for await (const chunk of stream) bytes += chunk.byteLength;
  })();
  await world.settle();
  expect(reads.length).toBe(8);
  await world.advance(0);
  expect(reads.length).toBe(20);
  await feed.close();
  await reading;
  expect(bytes).toBeGreaterThan(500_000);
});

test('a channel holds its newest events in memory only while somebody reads them', async () => {
  const { feed, read, reads } = create();
  await feed.append(items(eventOf('1')));
  const reader = await read({ after: 'earliest' });
  expect(await reader.ids(1)).toEqual(['1']);
  // Nobody read when it came: from the log. What comes now does not need it.
  expect(reads.length).toBe(1);
  await feed.append(items(eventOf('2')));
  expect(await reader.ids(1)).toEqual(['2']);
  expect(reads.length).toBe(1);
  await reader.cancel();
  const later = await read({ after: 'earliest' });
  expect(await later.ids(2)).toEqual(['1', '2']);
  expect(reads.length).toBe(2);
});
