// Ephemeral events for readers that are too slow for them: each policy says what is lost, and everything is counted.
import { expect, test } from 'vitest';
import { createFeedWorld, eventOf, items, range } from './test/reading.ts';

const data = 'x'.repeat(10_000);
const pointer = (id: string, more: object = {}) =>
  eventOf(id, { type: 'pointer.moved', ephemeral: true, data, ...more });
/** Of such events a stream takes so many before it is asked for any. */
const taken = 7;

/** What is delivered, dropped and pending, which is all that came. */
async function sum(feed: ReturnType<typeof createFeedWorld>['feed']): Promise<number> {
  const { delivered, filtered, dropped, queueDepth } = await feed.stat();
  return delivered + filtered + queueDepth + Object.values(dropped).reduce((total, count) => total + count, 0);
}

test('skip drops the newest, and tells the reader how many', async () => {
  const { feed, read } = createFeedWorld();
  const reader = await read();
  for (const id of range(0, 99)) await feed.append(items(pointer(String(id))));
  const { overflow = 0 } = (await feed.stat()).dropped;
  expect(overflow).toBe(100 - 64 - taken);
  const frames = await reader.take(100 - overflow + 1);
  const ids = frames.flatMap(({ frame }) => (frame.kind === 'event' ? [frame.event.id] : []));
  expect(ids).toEqual(range(0, 99 - overflow).map(String));
  expect(frames.flatMap(({ frame }) => (frame.kind === 'dropped' ? [frame.dropped] : []))).toEqual([{ overflow }]);
  expect(await sum(feed)).toBe(100);
});

test('latest keeps the newest of each source, type and subject, and tells how many gave way', async () => {
  const { feed, read } = createFeedWorld();
  const reader = await read({ ephemerals: 'latest' });
  for (const id of range(0, 99)) await feed.append(items(pointer(`${id}`, { subject: `card/${id % 2}` })));
  await feed.append(items(pointer('bob', { source: '/bob', subject: 'card/0' })));
  const { superseded = 0 } = (await feed.stat()).dropped;
  expect(superseded).toBe(100 - taken - 2);
  const frames = await reader.take(taken + 3 + 1);
  const ids = frames.flatMap(({ frame }) => (frame.kind === 'event' ? [frame.event.id] : []));
  expect(ids).toEqual([...range(0, taken - 1).map(String), '98', '99', 'bob']);
  expect(frames.flatMap(({ frame }) => (frame.kind === 'dropped' ? [frame.dropped] : []))).toEqual([{ superseded }]);
  expect(await sum(feed)).toBe(101);
});

test('latest has an end, too: beyond it, the newest of other keys are dropped', async () => {
  const { feed, read } = createFeedWorld();
  await read({ ephemerals: 'latest' });
  for (const id of range(0, 99)) await feed.append(items(pointer(`${id}`, { subject: `card/${id}` })));
  expect((await feed.stat()).dropped).toEqual({ overflow: 100 - 64 - taken });
  expect(await sum(feed)).toBe(100);
});

test('disconnect tells what was lost and ends the reading; the others lose nothing by it', async () => {
  const { feed, read } = createFeedWorld();
  const slow = await read();
  const leaving = [await read({ ephemerals: 'disconnect' }), await read({ ephemerals: 'disconnect' })];
  const quick = await read();
  for (const id of range(0, 199).map(String)) {
    await feed.append(items(pointer(id)));
    expect(await quick.ids(1)).toEqual([id]);
  }
  expect((await feed.stat()).subscribers).toBe(2);
  for (const reader of leaving) {
    const rest = (await reader.rest()).map(({ frame }) => frame);
    expect(rest.at(-1)).toEqual({ kind: 'dropped', channel: 'room:1', dropped: { overflow: 1 } });
    expect(rest).toHaveLength(taken + 1);
  }
  const { dropped } = await feed.stat();
  expect(dropped['detached']).toBe(2 * 64);
  // What came once they were gone was nobody's.
  expect(await sum(feed)).toBe(2 * 200 + 2 * (taken + 64 + 1));
  await slow.cancel();
});
