import { expect, test } from 'vitest';
import { toFailure } from '../failure.ts';
import { defaultLimits, type Limits } from '../protocol/limits.ts';
import type { Feed } from './feed.ts';
import { createFeedWorld, eventOf, items, range } from './test/reading.ts';

const ids = (from: number, to: number): readonly string[] => range(from, to).map(String);
const numbered = (from: number, to: number): ReturnType<typeof items> =>
  items(...ids(from, to).map((id) => eventOf(id)));

const megabyte = (n: number): ReturnType<typeof items> =>
  numbered(n, n).map((item) => ({ ...item, bytes: 1024 * 1024 }));

test('a reader gets what was there, then what comes, without a seam', async () => {
  const { feed, read } = createFeedWorld();
  await feed.append(numbered(1, 600));
  const reader = await read({ after: 'earliest' });
  await feed.append(numbered(601, 700));
  expect(await reader.ids(700)).toEqual(ids(1, 700));
  await feed.append(numbered(701, 701));
  expect(await reader.ids(1)).toEqual(['701']);
});

test('the first frame says where the reader stands, and a native reader resumes from it', async () => {
  const { feed } = createFeedWorld();
  const [{ offset = '' } = {}] = (await feed.append(numbered(1, 1))) as readonly { offset?: string }[];
  const stream = await feed.stream({ after: 'latest', types: [], heartbeat: true });
  const { value } = await stream.getReader().read();
  expect(new TextDecoder().decode(value)).toBe(
    `id: ${offset}\nevent: connected\ndata: {"channel":"room:1","head":"${offset}","position":"${offset}"}\n\n`,
  );
});

test('an event’s frame has its offset, and data on one line', async () => {
  const { feed, read } = createFeedWorld();
  const reader = await read();
  const event = eventOf('1', { data: 'a\r\nb\rc\nd\u0000\ufeff\ud800' });
  const [result] = await feed.append(items(event));
  const { id, frame } = await reader.next();
  expect(result).toEqual({ id: '1', status: 'appended', offset: id });
  expect(frame).toMatchObject({ kind: 'event', event: { ...event, channel: 'room:1', sequence: '0000000000000001' } });
});

test('from every offset on, reading gives the rest', async () => {
  const { feed, read } = createFeedWorld({ ringBytes: 2000 });
  const results = await feed.append(numbered(1, 120));
  for (const [index, result] of results.entries()) {
    if (result.status !== 'appended') throw new Error(result.status);
    const reader = await read({ after: result.offset });
    expect(reader.connected.position).toBe(result.offset);
    expect(await reader.ids(119 - index)).toEqual(ids(index + 2, 120));
    await reader.cancel();
  }
});

test('appends of one moment are one commit, and each caller has its own outcomes', async () => {
  let commits = 0;
  const { feed } = createFeedWorld({}, (logs) => ({
    ...logs,
    async open(channel) {
      const log = await logs.open(channel);
      return { ...log, append: (events, refused) => ((commits += 1), log.append(events, refused)) };
    },
  }));
  const results = await Promise.all(
    range(1, 50).map((id) => feed.append(items(eventOf(String(id)), eventOf('shared')))),
  );
  expect(commits).toBe(1);
  expect(results.map(([first]) => first?.id)).toEqual(ids(1, 50));
  expect(results.map(([, second]) => second?.status)).toEqual(['appended', ...range(2, 50).map(() => 'duplicate')]);
});

/** A feed, and how many events each commit of its log has. */
function committing(limits: Partial<Limits> = {}): { readonly feed: Feed; readonly commits: number[] } {
  const commits: number[] = [];
  const { feed } = createFeedWorld(limits, (logs) => ({
    ...logs,
    async open(channel) {
      const log = await logs.open(channel);
      return { ...log, append: (events, refused) => (commits.push(events.length), log.append(events, refused)) };
    },
  }));
  return { feed, commits };
}

test('a commit is bounded, in events and in bytes', async () => {
  const { feed, commits } = committing();
  await Promise.all(range(1, 8).map((batch) => feed.append(numbered(batch * 400, batch * 400 + 399))));
  expect(commits).toEqual([800, 800, 800, 800]);
  commits.length = 0;
  await Promise.all(range(1, 5).map((id) => feed.append([{ event: eventOf(`large ${id}`), bytes: 400_000 }])));
  expect(commits).toEqual([2, 2, 1]);
});

test('what comes together is no larger a commit than one batch may be', async () => {
  const { feed, commits } = committing({ batchEventsMax: 3, batchBytesMax: 1000 });
  await Promise.all(range(1, 7).map((id) => feed.append(numbered(id, id))));
  expect(commits).toEqual([3, 3, 1]);
  commits.length = 0;
  await Promise.all(range(1, 3).map((id) => feed.append([{ event: eventOf(`large ${id}`), bytes: 600 }])));
  expect(commits).toEqual([1, 1, 1]);
});

test('a commit that fails refuses all who were in it, announces nothing, and the next goes on', async () => {
  let isFull = true;
  const { feed, read } = createFeedWorld({}, (logs) => ({
    ...logs,
    async open(channel) {
      const log = await logs.open(channel);
      return {
        ...log,
        append: (events, refused) =>
          isFull ? Promise.reject(new Error('the disk is full')) : log.append(events, refused),
      };
    },
  }));
  const reader = await read();
  const both = await Promise.allSettled([feed.append(numbered(1, 1)), feed.append(numbered(2, 2))]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isFull = false;
  await feed.append(numbered(3, 3));
  expect(await reader.ids(1)).toEqual(['3']);
});

test('a filter shows some, and every event is delivered or filtered', async () => {
  const { feed, read, world } = createFeedWorld();
  const reader = await read({ types: ['todo.*', 'note.**'] });
  const types = ['todo.added', 'order.placed', 'note', 'note.a.b', 'todo.a.b', 'todo.done'];
  await feed.append(items(...types.map((type) => eventOf(type, { type }))));
  await feed.append(items(eventOf('e', { type: 'order.seen', ephemeral: true })));
  expect(await reader.ids(4)).toEqual(['todo.added', 'note', 'note.a.b', 'todo.done']);
  await world.settle();
  expect(await feed.stat()).toMatchObject({ delivered: 4, filtered: 3, dropped: {}, queueDepth: 0, subscribers: 1 });
});

test('a silent stream has a heartbeat; it moves a reader on whom a filter passed by', async () => {
  const { feed, read, world } = createFeedWorld({ heartbeatMs: 1000 });
  const reader = await read({ types: ['todo.*'] });
  await world.advance(1000);
  expect(await reader.next()).toEqual({ id: undefined, frame: { kind: 'heartbeat' } });
  const [result] = await feed.append(items(eventOf('1', { type: 'order.placed' })));
  await world.advance(1000);
  const heartbeat = await reader.next();
  expect(heartbeat.frame.kind).toBe('heartbeat');
  expect(result).toMatchObject({ offset: heartbeat.id });
  await world.advance(1000);
  expect((await reader.next()).id).toBeUndefined();
});

test('no timer runs when nobody reads', async () => {
  const { feed, read, world } = createFeedWorld();
  expect(world.timers).toBe(0);
  const reader = await read();
  await reader.cancel();
  await feed.close();
  expect(world.timers).toBe(0);
});

test('a stream that is one of several has no heartbeat of its own', async () => {
  const { feed, read, world } = createFeedWorld({ heartbeatMs: 1000 });
  const reader = await read({ heartbeat: false });
  await world.advance(10_000);
  await feed.append(numbered(1, 1));
  expect(await reader.ids(1)).toEqual(['1']);
});

test('a stream ends when it was to, and tells its reader to come back, each at a time of its own', async () => {
  const { feed, read, world } = createFeedWorld();
  const far = await read({ until: world.now() + 40 * 24 * 3600 * 1000 });
  const reader = await read({ until: world.now() + 5000 });
  const gone = await read({ until: world.now() - 1 });
  await world.advance(1);
  const farewell = [{ frame: { kind: 'drain', retryAfterMs: expect.any(Number) } }];
  const ends = [await gone.rest()];
  await feed.append(numbered(1, 1));
  expect(await reader.ids(1)).toEqual(['1']);
  await world.advance(5000);
  ends.push(await reader.rest());
  expect(ends).toMatchObject([farewell, farewell]);
  expect(ends[0]).not.toEqual(ends[1]);
  expect((await feed.stat()).subscribers).toBe(1);
  expect(await far.ids(1)).toEqual(['1']);
});

test('a stream ends when it was to also where the clock jumps there, at the next look for silence', async () => {
  const { feed, read, world } = createFeedWorld();
  const ever = await read();
  const ends = [await read({ until: world.now() + 3_000_000 }), await read({ until: world.now() + 7_000_000 })];
  world.setClock(world.now() + 5_000_000);
  await world.advance(defaultLimits.heartbeatMs / 4);
  expect((await feed.stat()).subscribers).toBe(2);
  world.setClock(world.now() + 5_000_000);
  await world.advance(defaultLimits.heartbeatMs / 4);
  expect((await feed.stat()).subscribers).toBe(1);
  for (const reader of ends) expect(await reader.rest()).toMatchObject([{ frame: { kind: 'drain' } }]);
  await ever.cancel();
  await feed.close();
  expect(world.timers).toBe(0);
});

test('a position of another epoch is a gap, told before anything else, and a reader cut off before it is told again', async () => {
  const { feed, read } = createFeedWorld();
  await feed.append(numbered(1, 2));
  const stream = await feed.stream({ after: 'other.0000000000000007', types: [], heartbeat: true });
  const text = new TextDecoder().decode((await stream.getReader().read()).value);
  // No id on `connected`: a native reader that is cut off here still stands where it was.
  expect(text).toMatch(/^event: connected\n/);
  const reader = await read({ after: 'other.0000000000000007' });
  const gap = await reader.next();
  expect(gap.frame).toMatchObject({ kind: 'gap', channel: 'room:1', missed: null, reason: 'epoch' });
  expect(gap.frame).toMatchObject({ position: gap.id, next: expect.stringMatching(/\.0000000000000001$/) });
  expect(await reader.ids(2)).toEqual(['1', '2']);
});

test('one subscriber too many is refused, and says when to come back', async () => {
  const { read } = createFeedWorld({ subscribersMax: 2 });
  const one = await read();
  await read();
  await expect(read()).rejects.toMatchObject({ name: 'RateLimited', details: { retryAfterMs: expect.any(Number) } });
  await one.cancel();
  await read();
});

test('malformed positions and patterns are refused before anything is opened', async () => {
  const { feed, read } = createFeedWorld();
  await expect(read({ after: 'nonsense' })).rejects.toMatchObject({ name: 'InvalidOffset' });
  await expect(read({ types: ['a..b'] })).rejects.toMatchObject({ name: 'InvalidPattern' });
  await expect(feed.page({ after: '7', types: [], limit: 1, waitMs: 0 })).rejects.toMatchObject({
    name: 'InvalidOffset',
  });
  expect((await feed.stat()).subscribers).toBe(0);
});

test('a draining relay tells every reader when to come back, ends their streams, and refuses appends', async () => {
  const { feed, read } = createFeedWorld();
  const reader = await read();
  const poll = feed.page({ after: 'latest', types: [], limit: 1, waitMs: 30_000 });
  feed.drain(() => 1233.4);
  expect(await reader.rest()).toEqual([{ id: undefined, frame: { kind: 'drain', retryAfterMs: 1234 } }]);
  expect(await poll).toMatchObject({ events: [], upToDate: true });
  const refusal = { name: 'Draining', details: { retryAfterMs: 1234 } };
  await expect(feed.append(numbered(1, 1))).rejects.toMatchObject(refusal);
  await expect(read()).rejects.toMatchObject(refusal);
});

test('a closed feed ends its streams and refuses', async () => {
  const { feed, read } = createFeedWorld();
  const reader = await read();
  await feed.close();
  await feed.close();
  expect(await reader.rest()).toEqual([]);
  await expect(feed.append(numbered(1, 1))).rejects.toMatchObject({ name: 'Closed' });
});

test('the log is kept within its bounds while the channel is used', async () => {
  const { feed, world } = createFeedWorld({ retentionBytes: 20_000, retentionMs: 1000 });
  for (const batch of range(0, 99)) await feed.append(numbered(batch * 10, batch * 10 + 9));
  await world.settle();
  expect((await feed.stat()).bytes).toBeLessThan(20_000 * 1.2);
  await world.advance(60_000);
  expect(await feed.stat()).toMatchObject({ bytes: 0, published: 1000 });
});

test('where the host trims by age, a channel at rest keeps no timer', async () => {
  const { feed, world } = createFeedWorld({ retentionBytes: 20_000 }, undefined, { trimsByAge: false });
  for (const batch of range(0, 99)) await feed.append(numbered(batch * 10, batch * 10 + 9));
  await world.settle();
  expect((await feed.stat()).bytes).toBeLessThan(20_000 * 1.2);
  expect(world.timers).toBe(0);
});

test('a log that falls far behind tells its publishers, and takes more once it has caught up', async () => {
  const commits = Promise.withResolvers<void>();
  const { feed } = createFeedWorld({}, (logs) => ({
    ...logs,
    async open(channel) {
      const log = await logs.open(channel);
      return { ...log, append: (events, refused) => commits.promise.then(() => log.append(events, refused)) };
    },
  }));
  const appends = range(1, 40).map((n) =>
    feed.append(megabyte(n)).then(
      () => 'appended' as const,
      (error: unknown) => toFailure(error),
    ),
  );
  await Promise.resolve();
  commits.resolve();
  const outcomes = await Promise.all(appends);
  const refusedOnes = outcomes.filter((outcome) => outcome !== 'appended');
  expect(refusedOnes.length).toBeGreaterThan(0);
  for (const failure of refusedOnes)
    expect(failure).toMatchObject({ name: 'RateLimited', details: { retryAfterMs: 1000 } });
  expect((await feed.stat()).published).toBe(40 - refusedOnes.length);
  await expect(feed.append(megabyte(41))).resolves.toHaveLength(1);
});

test('a log that cannot be read ends the stream, which is no gap, and says so', async () => {
  let isBroken = false;
  const { feed, read, reported } = createFeedWorld({ ringBytes: 100 }, (logs) => ({
    ...logs,
    async open(channel) {
      const log = await logs.open(channel);
      return {
        ...log,
        read: (after, limit) => (isBroken ? Promise.reject(new Error('broken')) : log.read(after, limit)),
      };
    },
  }));
  await feed.append(numbered(1, 500));
  isBroken = true;
  const reader = await read({ after: 'earliest' });
  expect(await reader.rest()).toEqual([]);
  expect(reported.map(({ message }) => message)).toEqual(['broken']);
});
