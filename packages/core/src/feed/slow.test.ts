// Readers that do not keep up: nothing is held for them but a number, and nothing is lost silently.
import { expect, test } from 'vitest';
import { createFeedWorld, eventOf, items, range } from './test/reading.ts';

const data = 'x'.repeat(1000);
const big = (from: number, to: number): ReturnType<typeof items> =>
  items(...range(from, to).map((id) => eventOf(String(id), { data })));
const ids = (from: number, to: number): readonly string[] => range(from, to).map(String);

test('a reader that stalls is served from the log when it comes back, and does not hold up the others', async () => {
  const { feed, read, world } = createFeedWorld({ ringBytes: 20_000 });
  const [slow, quick] = [await read(), await read()];
  const taken = quick.ids(2000);
  for (const batch of range(0, 199)) await feed.append(big(batch * 10, batch * 10 + 9));
  expect(await taken).toEqual(ids(0, 1999));
  const { queueDepth, delivered } = await feed.stat();
  // The quick one has all; of what the slow one has not, no more is handed over than a socket's worth.
  expect(queueDepth + delivered).toBe(4000);
  expect(queueDepth).toBeGreaterThan(1800);
  expect(await slow.ids(2000)).toEqual(ids(0, 1999));
  await world.settle();
  expect(await feed.stat()).toMatchObject({ delivered: 4000, queueDepth: 0, dropped: {} });
});

test('what is trimmed past a slow reader is a gap with the exact number, and counted', async () => {
  const { feed, logs, read } = createFeedWorld({ ringBytes: 2000 });
  const reader = await read();
  for (const batch of range(0, 49)) await feed.append(big(batch * 10, batch * 10 + 9));
  const log = await logs.open('room:1');
  await log.trim({ before: 0, bytesMax: 50_000 });
  const seen: string[] = [];
  let missed: number | null = 0;
  while (seen.at(-1) !== '499') {
    const { frame } = await reader.next();
    if (frame.kind === 'gap') {
      missed = frame.missed;
      expect(frame).toMatchObject({ reason: 'retention', channel: 'room:1' });
    } else if (frame.kind === 'event') seen.push(frame.event.id);
  }
  expect(missed).toBeGreaterThan(100);
  expect(seen.length + (missed ?? 0)).toBe(500);
  expect((await feed.stat()).dropped).toEqual({ retention: missed });
});

test('a channel removed past a slow reader is a gap, and what it had not had is counted', async () => {
  const { feed, read } = createFeedWorld({ ringBytes: 2000 });
  const reader = await read();
  for (const batch of range(0, 49)) await feed.append(big(batch * 10, batch * 10 + 9));
  const { queueDepth } = await feed.stat();
  await feed.remove();
  await feed.append(items(eventOf('anew')));
  let last = '';
  let delivered = 0;
  while (last !== 'anew') {
    const { frame } = await reader.next();
    if (frame.kind === 'gap') expect(frame).toMatchObject({ missed: null, reason: 'epoch' });
    if (frame.kind === 'event') [last, delivered] = [frame.event.id, delivered + 1];
  }
  expect((await feed.stat()).dropped).toEqual({ epoch: queueDepth });
  expect(delivered - 1 + queueDepth).toBe(500);
});

test('what was pending when a reader went is counted as detached', async () => {
  const { feed, read } = createFeedWorld();
  const reader = await read();
  for (const batch of range(0, 49)) await feed.append(big(batch * 10, batch * 10 + 9));
  const { queueDepth, delivered } = await feed.stat();
  expect(queueDepth + delivered).toBe(500);
  await reader.cancel();
  expect(await feed.stat()).toMatchObject({
    subscribers: 0,
    queueDepth: 0,
    delivered,
    dropped: { detached: queueDepth },
  });
});

test('ephemeral events are relayed and not stored, behind their durable neighbours and in order', async () => {
  const { feed, read } = createFeedWorld();
  const reader = await read();
  const results = await feed.append([
    ...items(eventOf('e0', { ephemeral: true, sequence: 'made up' }), eventOf('1'), eventOf('e1', { ephemeral: true })),
    { refused: { id: 'bad', failure: { name: 'InvalidEvent', message: 'no' } } },
    ...items(eventOf('2'), eventOf('1'), eventOf('e2', { ephemeral: true })),
  ]);
  expect(results.map(({ status }) => status)).toEqual([
    'relayed',
    'appended',
    'relayed',
    'refused',
    'appended',
    'duplicate',
    'relayed',
  ]);
  const seen = await reader.take(5);
  expect(seen.map(({ frame }) => frame.kind === 'event' && frame.event.id)).toEqual(['e0', '1', 'e1', '2', 'e2']);
  expect(seen[0]).toMatchObject({ id: undefined, frame: { offset: null, event: { channel: 'room:1' } } });
  expect(seen[0]?.frame).not.toHaveProperty('event.sequence');
  expect(await feed.stat()).toMatchObject({ published: 2, duplicates: 1, refused: 1, delivered: 5 });
  expect((await feed.page({ after: 'earliest', types: [], limit: 9, waitMs: 0 })).events).toHaveLength(2);
});

test('ephemeral events that nobody is there for are gone, and create nothing', async () => {
  const { feed, logs } = createFeedWorld();
  expect(await feed.append(items(eventOf('e', { ephemeral: true })))).toEqual([{ id: 'e', status: 'relayed' }]);
  expect(await logs.channels()).toEqual([]);
});

test('a reader too slow for ephemeral events is told how many it did not get', async () => {
  const { feed, read } = createFeedWorld();
  const reader = await read();
  for (const id of range(1, 500)) await feed.append(items(eventOf(`e${id}`, { ephemeral: true, data })));
  const { delivered, queueDepth, dropped } = await feed.stat();
  const overflow = dropped['overflow'] ?? 0;
  expect(overflow).toBeGreaterThan(300);
  expect(delivered + queueDepth + overflow).toBe(500);
  const seen = await reader.take(501 - overflow);
  const told = seen.filter(({ frame }) => frame.kind === 'dropped');
  expect(told.map(({ frame }) => frame)).toEqual([{ kind: 'dropped', channel: 'room:1', dropped: { overflow } }]);
  expect(await feed.stat()).toMatchObject({ delivered: 500 - overflow, queueDepth: 0, dropped: { overflow } });
});
