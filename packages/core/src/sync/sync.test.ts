import { expect, test } from 'vitest';
import { Failure, type FailureName } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import type { LogEntry, Store } from '../ports/store.ts';
import type { DeviceStore } from '../ports/tasks.ts';
import type { Frame, Gap } from '../protocol/frames.ts';
import { createTestWorld } from '../testing/world.ts';
import { appendAll, createScriptedLink, offsetOf, type ScriptedLink } from './scripted-link.ts';
import { startSync, type Sync } from './sync.ts';

const source = 'urn:uuid:alice';

function event(id: string, from = source): CloudEvent {
  return { specversion: '1.0', id, source: from, type: 'todo.added', data: id };
}

function frame(id: string, sequence: number, { from = source, epoch = 'e', channel = 'board' } = {}): Frame {
  return {
    kind: 'event',
    event: { ...event(id, from), channel },
    channel,
    offset: offsetOf(sequence, epoch),
    size: 80,
  };
}

function connected(position: string, head = position, channel = 'board'): Frame {
  return { kind: 'connected', channel, position, head };
}

function gap(gapIs: Gap, position: string): Frame {
  return { kind: 'gap', channel: 'board', ...gapIs, next: position, position };
}

function dropped(overflow: number): Frame {
  return { kind: 'dropped', channel: 'board', dropped: { overflow } };
}

async function record(store: Store, ...ids: readonly string[]): Promise<void> {
  await store.record([{ channel: 'board', outbound: true, at: 0, bytes: 10, events: ids.map((id) => event(id)) }]);
}

/** What the log holds, as `id`, `id@offset`, `id@offset echo` or `gap`. */
async function logOf(store: Store): Promise<readonly string[]> {
  const { entries } = await store.read(0, 10_000);
  return entries.map((entry: LogEntry) => {
    if (entry.kind === 'gap') return `gap ${entry.gap.reason} ${entry.gap.missed}`;
    const place = entry.offset === null ? '' : `@${entry.offset}`;
    return `${entry.event.id}${place}${entry.echo ? ' echo' : ''}`;
  });
}

async function setUp(link: ScriptedLink, { store = openMemoryStore(createMemoryDatabase(), createTestWorld()) } = {}) {
  const world = createTestWorld();
  const life = new AbortController();
  const said: string[] = [];
  const synced: string[] = [];
  const failures: Failure[] = [];
  let sync: Sync | undefined;
  async function start(from = 'earliest'): Promise<Sync> {
    sync = await startSync({
      store,
      link,
      world,
      source,
      channels: new Map([['board', from]]),
      signal: life.signal,
      events: {
        connection: (connection) => said.push(connection),
        paused: (channels) => said.push(`paused ${[...channels.keys()].join()}`),
        confirmed: (events) => said.push(`confirmed ${events}`),
        idle: () => undefined,
        merged: () => undefined,
        ephemeral: (_, events) => said.push(`ephemeral ${events.map(({ id }) => id).join()}`),
        synced: (channel, step) => synced.push(`${channel} ${step}`),
        dropped: (_, reason, events) => said.push(`dropped ${events} ${reason}`),
        report: (failure) => failures.push(failure),
        lost(failure) {
          failures.push(failure);
          life.abort();
        },
      },
    });
    await world.settle();
    return sync;
  }
  async function stop(): Promise<void> {
    life.abort();
    await sync?.ended;
    expect(world.timers).toBe(0);
  }
  return { world, store, said, synced, failures, start, stop };
}

function refusing(name: FailureName, times: number, details: { readonly retryAfterMs?: number } = {}) {
  const append = appendAll();
  let left = times;
  return (channel: string, events: readonly CloudEvent[]) => {
    if (left > 0) {
      left -= 1;
      throw new Failure(name, 'as the test says', details);
    }
    return append(channel, events);
  };
}

test('the outbox is sent in order, in one batch, and again only what came since', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, said, start, stop } = await setUp(link);
  await record(store, '1', '2', '3');
  const sync = await start();
  expect(link.pushed).toEqual([['board', '1', '2', '3']]);
  await record(store, '4');
  sync.wake('board');
  await world.settle();
  expect(link.pushed.at(-1)).toEqual(['board', '4']);
  expect(said).toContain('confirmed 3');
  expect((await store.state()).channels['board']?.pendingEvents).toBe(0);
  await stop();
});

test('a channel that had nothing to send at the start is sent when it has', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  const sync = await start();
  await store.record([{ channel: 'other', outbound: true, at: 0, bytes: 1, events: [event('1')] }]);
  sync.wake('other');
  sync.wake('other');
  await world.settle();
  expect(link.pushed).toEqual([['other', '1']]);
  await stop();
});

test('while the relay cannot be reached nothing is lost, and the waits grow', async () => {
  const link = createScriptedLink(refusing('Unreachable', 3));
  const { store, world, said, start, stop } = await setUp(link);
  await record(store, '1', '2');
  await start();
  expect(said.at(-1)).toBe('offline');
  await world.advance(5000);
  expect(link.pushed).toEqual(Array.from({ length: 4 }, () => ['board', '1', '2']));
  expect(said.slice(-2)).toEqual(['online', 'confirmed 2']);
  await stop();
});

test('a push that comes through lets the stream be tried at once, whatever it waited for', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, said, start, stop } = await setUp(link);
  const sync = await start();
  link.streams[0]?.send(connected('e.0000'));
  await world.settle();
  const open = async (): Promise<boolean> => {
    await world.advance(100);
    return link.streams.at(-1)?.open === true;
  };
  // Failures enough for waits of many seconds; then one that is long.
  for (let failed = 0; failed < 12;) {
    if (!(await open())) continue;
    link.streams.at(-1)?.end(new Failure('Unreachable', 'as the test says'));
    failed += 1;
  }
  expect(await open()).toBe(false);
  await record(store, '1');
  sync.wake('board');
  await world.settle();
  expect(link.pushed).toEqual([['board', '1']]);
  expect(link.streams.at(-1)?.open).toBe(true);
  expect(said.at(-1)).toBe('confirmed 1');
  await stop();
});

test('where pushes come through and streams do not, a stream is not tried with each push', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  const sync = await start();
  link.streams[0]?.send(connected('e.0000'));
  await world.settle();
  for (let n = 1; n <= 600; n += 1) {
    link.streams.at(-1)?.end(new Failure('Unreachable', 'as the test says'));
    await record(store, `${n}`);
    sync.wake('board');
    await world.advance(100);
  }
  expect(link.pushed).toHaveLength(600);
  expect(link.streams.length).toBeLessThan(30);
  await stop();
});

test('news of a network end a long wait: the stream and the outbox are tried within half a second, and a storm of news asks no more often', async () => {
  let isThere = false;
  const append = appendAll();
  const link = createScriptedLink((channel, events) => {
    if (!isThere) throw new Failure('Unreachable', 'as the test says');
    return append(channel, events);
  });
  const { store, world, said, start, stop } = await setUp(link);
  await record(store, '1');
  const sync = await start();
  const fail = async (): Promise<void> => {
    const open = link.streams.at(-1);
    if (open?.open === true) open.end(new Failure('Unreachable', 'as the test says'));
    await world.advance(0);
  };
  for (let second = 0; second < 300; second += 1) {
    await fail();
    await world.advance(1000);
  }
  await fail();
  const before = { streams: link.streams.length, pushed: link.pushed.length };

  // The network comes and goes: each try waits for a draw from half a second, and fails.
  for (let news = 0; news < 1000; news += 1) {
    sync.hurry();
    await world.advance(10);
    await fail();
  }
  expect(link.streams.length - before.streams).toBeGreaterThan(10);
  expect(link.streams.length - before.streams).toBeLessThan(80);
  expect(link.pushed.length - before.pushed).toBeLessThan(80);

  await world.advance(600_000);
  await fail();
  isThere = true;
  const { length } = link.streams;
  sync.hurry();
  await world.advance(500);
  expect(link.streams).toHaveLength(length + 1);
  expect(said.slice(-2)).toEqual(['online', 'confirmed 1']);
  await stop();
});

test('a relay that says when to come back is not asked before, whatever the news', async () => {
  const link = createScriptedLink(refusing('RateLimited', 1, { retryAfterMs: 10_000 }));
  const { store, world, start, stop } = await setUp(link);
  await record(store, '1');
  const sync = await start();
  await world.advance(5000);
  sync.hurry();
  await world.advance(4999);
  expect(link.pushed).toHaveLength(1);
  await world.advance(501);
  expect(link.pushed).toHaveLength(2);
  await stop();
});

test('a relay that says when to come back is not asked before', async () => {
  const link = createScriptedLink(refusing('RateLimited', 1, { retryAfterMs: 10_000 }));
  const { store, world, start, stop } = await setUp(link);
  await record(store, '1');
  await start();
  await world.advance(9999);
  expect(link.pushed).toHaveLength(1);
  await world.advance(1000);
  expect(link.pushed).toHaveLength(2);
  await stop();
});

test.each<FailureName>(['InvalidEvent', 'TooLarge', 'InvalidRequest'])(
  'a batch refused whole (%s) is halved, down to the one event that is to blame, which alone is rejected',
  async (name) => {
    const append = appendAll();
    const link = createScriptedLink((channel, events) => {
      if (events.some(({ id }) => id === 'bad')) throw new Failure(name, 'as the test says');
      return append(channel, events);
    });
    const { store, world, failures, start, stop } = await setUp(link);
    await record(store, '1', '2', '3', 'bad', '5', '6', '7');
    await start();
    await world.settle();
    const accepted = link.pushed.filter((batch) => !batch.includes('bad')).flatMap(([, ...ids]) => ids);
    expect(accepted).toEqual(['1', '2', '3', '5', '6', '7']);
    expect(failures.map((failure) => failure.name)).toEqual([name]);
    expect((await store.state()).channels['board']?.pendingEvents).toBe(0);
    await stop();
  },
);

test('an event that the relay refuses does not stop its neighbours, and is told of', async () => {
  const link = createScriptedLink((_, events) =>
    events.map(({ id }, index) =>
      id === '2'
        ? { id, status: 'refused', failure: { name: 'TooLarge', message: 'too large' } }
        : { id, status: 'appended', offset: offsetOf(index + 1) },
    ),
  );
  const { store, failures, start, stop } = await setUp(link);
  await record(store, '1', '2', '3');
  await start();
  expect(link.pushed).toEqual([['board', '1', '2', '3']]);
  expect(failures.map(({ message }) => message)).toEqual(['the relay refused the event 2 (todo.added): too large']);
  expect((await store.state()).channels['board']?.pendingEvents).toBe(0);
  await stop();
});

test('a channel that is forbidden pauses, is tried again after a minute, and goes on', async () => {
  const link = createScriptedLink(refusing('Forbidden', 1));
  const { store, world, said, start, stop } = await setUp(link);
  await record(store, '1');
  await start();
  expect(said).toContain('paused board');
  await world.advance(59_999);
  expect(link.pushed).toHaveLength(1);
  await world.advance(1);
  expect(link.pushed).toHaveLength(2);
  expect(said).toContain('paused ');
  await stop();
});

test('without a valid token a new one is asked for, and the status says so', async () => {
  const link = createScriptedLink(refusing('Unauthenticated', 1));
  const { store, world, said, start, stop } = await setUp(link);
  await record(store, '1');
  await start();
  expect(said.at(-1)).toBe('needs-auth');
  expect(link.renewed).toBe(1);
  await world.advance(1000);
  expect(said).toContain('online');
  await stop();
});

test('others’ events are merged with their offsets, own ones are flagged as echoes', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  await record(store, '1', '2');
  await start();
  link.streams[0]?.send(connected('e.0000'), frame('1', 1), frame('x', 2, { from: '/bob' }), frame('2', 3));
  await world.settle();
  expect(await logOf(store)).toEqual(['1', '2', '1@e.0001 echo', 'x@e.0002', '2@e.0003 echo']);
  expect((await store.state()).channels['board']?.read).toBe('e.0003');
  await stop();
});

test('a channel that is forbidden is tried again with another token, for reading and for writing', async () => {
  const link = createScriptedLink(refusing('Forbidden', 1));
  const { store, world, start, stop } = await setUp(link);
  await start();
  link.streams[0]?.send({ kind: 'refused', channel: 'board', name: 'Forbidden' });
  await world.settle();
  expect(link.renewed).toBe(0);
  await world.advance(60_000);
  expect([link.renewed, link.streams.length]).toEqual([1, 2]);
  await stop();
  await record(store, '1');
  const again = await setUp(link, { store });
  await again.start();
  expect(link.renewed).toBe(1);
  await again.world.advance(60_000);
  expect([link.renewed, link.pushed.length]).toEqual([2, 2]);
  await again.stop();
});

test('an own event that was refused is passed over when the next one comes back', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  await record(store, '1', 'refused', '3');
  await start();
  link.streams[0]?.send(connected('e.0000'), frame('1', 1), frame('3', 2));
  await world.settle();
  expect((await logOf(store)).slice(3)).toEqual(['1@e.0001 echo', '3@e.0002 echo']);
  await stop();
});

test('an own event that the log does not hold is merged as another’s', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  await start();
  link.streams[0]?.send(connected('e.0000'), frame('from a lost disk', 1));
  await world.settle();
  expect(await logOf(store)).toEqual(['from a lost disk@e.0001']);
  await stop();
});

test('what comes twice on a stream is stored once, and a gap that is told twice is one', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, failures, start, stop } = await setUp(link);
  await record(store, '1');
  await start();
  const told = [
    connected('e.0000', 'e.0002'),
    frame('x', 1, { from: '/bob' }),
    frame('1', 2),
    gap({ reason: 'retention', missed: 6 }, 'e.0008'),
    frame('y', 9, { from: '/bob' }),
    gap({ reason: 'epoch', missed: null }, 'f.0000'),
    frame('z', 1, { from: '/bob', epoch: 'f' }),
  ];
  // In one group, in groups of their own, and a whole group again.
  link.streams[0]?.send(...told.slice(0, 3).flatMap((one) => [one, one]));
  for (const one of told.slice(3)) for (let times = 0; times < 2; times += 1) link.streams[0]?.send(one);
  link.streams[0]?.send(...told.slice(-1), frame('last', 2, { from: '/bob', epoch: 'f' }));
  await world.settle();
  expect(await logOf(store)).toEqual([
    '1',
    'x@e.0001',
    '1@e.0002 echo',
    'gap retention 6',
    'y@e.0009',
    'gap epoch null',
    'z@f.0001',
    'last@f.0002',
  ]);
  expect(failures).toEqual([]);
  await stop();
});

test('a stream that breaks is taken up where it stood', async () => {
  const link = createScriptedLink(appendAll());
  const { world, said, start, stop } = await setUp(link);
  await start();
  expect(link.streams[0]?.positions).toEqual(new Map([['board', 'earliest']]));
  link.streams[0]?.send(connected('e.0000'), frame('x', 1, { from: '/bob' }));
  await world.settle();
  link.streams[0]?.end(new Failure('Unreachable', 'cut'));
  await world.advance(1000);
  expect(link.streams[1]?.positions).toEqual(new Map([['board', 'e.0001']]));
  expect(said).toEqual(['connecting', 'online', 'offline']);
  link.streams[1]?.send(connected('e.0001'));
  await world.settle();
  expect(said.at(-1)).toBe('online');
  await stop();
});

test('a stream that is silent for two and a half heartbeats is given up', async () => {
  const link = createScriptedLink(appendAll());
  const { world, start, stop } = await setUp(link);
  await start();
  link.streams[0]?.send(connected('e.0000'));
  await world.advance(37_000);
  link.streams[0]?.send({ kind: 'heartbeat' });
  await world.advance(37_000);
  expect(link.streams[0]?.open).toBe(true);
  await world.advance(1000);
  expect(link.streams[0]?.open).toBe(false);
  expect(link.streams).toHaveLength(2);
  await stop();
});

test('a relay that drains is left alone for as long as it says', async () => {
  const link = createScriptedLink(appendAll());
  const { world, start, stop } = await setUp(link);
  await start();
  link.streams[0]?.send(connected('e.0000'), { kind: 'drain', retryAfterMs: 20_000 });
  link.streams[0]?.end();
  await world.advance(19_999);
  expect(link.streams).toHaveLength(1);
  await world.advance(501);
  expect(link.streams).toHaveLength(2);
  await stop();
});

test('a relay that hangs up at once is asked less and less often', async () => {
  const link = createScriptedLink(appendAll());
  const { world, start, stop } = await setUp(link);
  await start();
  let served = 0;
  for (let second = 0; second < 60; second += 1) {
    for (; served < link.streams.length; served += 1) {
      link.streams[served]?.send(connected('e.0000'));
      link.streams[served]?.end();
    }
    await world.advance(1000);
  }
  expect(link.streams.length).toBeLessThan(20);
  await stop();
});

test('a gap of retention stands in the log where it was told, with its number', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  await start();
  link.streams[0]?.send(
    connected('e.0000'),
    frame('x', 1, { from: '/bob' }),
    gap({ reason: 'retention', missed: 7 }, 'e.0008'),
    frame('y', 9, { from: '/bob' }),
  );
  await world.settle();
  expect(await logOf(store)).toEqual(['x@e.0001', 'gap retention 7', 'y@e.0009']);
  await stop();
});

test('after an epoch change what the log holds already is not merged twice, also by the next leader', async () => {
  const database = createMemoryDatabase();
  const store = openMemoryStore(database, createTestWorld());
  const link = createScriptedLink(appendAll());
  const first = await setUp(link, { store });
  await record(store, 'mine', 'mine unread');
  await first.start();
  link.streams[0]?.send(connected('e.0000'), frame('x', 1, { from: '/bob' }), frame('mine', 2));
  await first.world.settle();
  // The relay was restored from a backup: a new epoch tells from the start what it holds.
  link.streams[0]?.end();
  await first.world.advance(1000);
  link.streams[1]?.send(
    connected('f.0000', 'f.0004'),
    gap({ reason: 'epoch', missed: null }, 'f.0000'),
    frame('x', 1, { from: '/bob', epoch: 'f' }),
    frame('mine', 2, { epoch: 'f' }),
  );
  await first.world.settle();
  await first.stop();

  const second = await setUp(link, { store });
  await second.start();
  const stream = link.streams.at(-1);
  expect(stream?.positions).toEqual(new Map([['board', 'f.0002']]));
  stream?.send(
    connected('f.0002', 'f.0004'),
    frame('mine unread', 3, { epoch: 'f' }),
    frame('x', 4, { from: '/bob', epoch: 'f' }),
    frame('new', 5, { from: '/bob', epoch: 'f' }),
  );
  await second.world.settle();
  expect(await logOf(store)).toEqual([
    'mine',
    'mine unread',
    'x@e.0001',
    'mine@e.0002 echo',
    'gap epoch null',
    'mine unread@f.0003 echo',
    'new@f.0005',
  ]);
  expect((await store.state()).channels['board']?.recheckTo).toBeUndefined();
  await second.stop();
});

test('a page that could not be written comes again, and is merged once, echoes as echoes', async () => {
  const database = createMemoryDatabase();
  const inner = openMemoryStore(database, createTestWorld());
  let failing = 0;
  const store: DeviceStore = {
    ...inner,
    async merge(page) {
      if (failing > 0) {
        failing -= 1;
        throw new Failure('StorageFailed', 'the disk is full');
      }
      return inner.merge(page);
    },
  };
  const link = createScriptedLink(appendAll());
  const { world, failures, start, stop } = await setUp(link, { store });
  await record(store, 'mine');
  await start();
  const send = (epoch: string): void => {
    link.streams
      .at(-1)
      ?.send(
        connected(`${epoch}.0000`, `${epoch}.0002`),
        ...(epoch === 'f' ? [gap({ reason: 'epoch', missed: null }, 'f.0000')] : []),
        frame('mine', 1, { epoch }),
        frame('x', 2, { from: '/bob', epoch }),
      );
  };
  failing = 1;
  send('e');
  await world.advance(10_000);
  send('e');
  await world.settle();
  expect(await logOf(store)).toEqual(['mine', 'mine@e.0001 echo', 'x@e.0002']);
  // The same while events are checked against what the log holds: what was judged but not written is not held.
  link.streams.at(-1)?.end();
  await world.advance(10_000);
  link.streams.at(-1)?.send(connected('f.0000', 'f.0000'), gap({ reason: 'epoch', missed: null }, 'f.0000'));
  await world.settle();
  failing = 1;
  link.streams.at(-1)?.send(frame('new', 1, { from: '/bob', epoch: 'f' }), frame('x', 2, { from: '/bob', epoch: 'f' }));
  await world.advance(10_000);
  link.streams
    .at(-1)
    ?.send(
      connected('f.0000', 'f.0002'),
      frame('new', 1, { from: '/bob', epoch: 'f' }),
      frame('x', 2, { from: '/bob', epoch: 'f' }),
    );
  await world.settle();
  expect((await logOf(store)).slice(3)).toEqual(['gap epoch null', 'new@f.0001']);
  expect(failures.map(({ name }) => name)).toEqual(['StorageFailed', 'StorageFailed']);
  await stop();
});

test('two leaders at once merge every event once, and neither skips one', async () => {
  const database = createMemoryDatabase();
  const store = openMemoryStore(database, createTestWorld());
  const [one, two] = [createScriptedLink(appendAll()), createScriptedLink(appendAll())];
  const [first, second] = [await setUp(one, { store }), await setUp(two, { store })];
  await first.start();
  await second.start();
  const frames = Array.from({ length: 12 }, (_, n) => frame(`x${n + 1}`, n + 1, { from: '/bob' }));
  for (const link of [one, two]) link.streams[0]?.send(connected('e.0000'));
  /** What a relay would send on the newest stream: everything behind where it began, up to here. */
  const sent = new Map<unknown, number>();
  async function serve(link: ScriptedLink, world: typeof first.world, upTo: number): Promise<void> {
    const stream = link.streams.at(-1);
    const begun = stream?.positions.get('board') ?? 'earliest';
    const from = sent.get(stream) ?? (begun === 'earliest' ? 0 : Number(begun.slice(2)));
    sent.set(stream, Math.max(from, upTo));
    stream?.send(...frames.slice(from, upTo));
    await world.advance(1000);
  }
  // The same events, cut into different pages, each leader ahead of the other in turn.
  for (const upTo of [5, 6, 9, 12]) {
    await serve(one, first.world, upTo);
    await serve(two, second.world, upTo - 2);
    await serve(two, second.world, upTo);
    await serve(one, first.world, upTo);
  }
  expect(await logOf(store)).toEqual(frames.map((_, n) => `x${n + 1}@${offsetOf(n + 1)}`));
  await first.stop();
  await second.stop();
});

test('a leader that finds another has written what it cannot see opens a stream from there', async () => {
  const store = openMemoryStore(createMemoryDatabase(), createTestWorld());
  const [one, two] = [createScriptedLink(appendAll()), createScriptedLink(appendAll())];
  const [first, second] = [await setUp(one, { store }), await setUp(two, { store })];
  await first.start('latest');
  await second.start('latest');
  one.streams[0]?.send(connected('e.0005'));
  await first.world.settle();
  two.streams[0]?.send(connected('e.0006'), frame('seven', 7, { from: '/bob' }));
  await second.world.advance(1000);
  await first.stop();
  expect(two.streams.at(-1)?.positions.get('board')).toBe('e.0005');
  two.streams.at(-1)?.send(connected('e.0005'), frame('six', 6, { from: '/bob' }), frame('seven', 7, { from: '/bob' }));
  await second.world.settle();
  expect(await logOf(store)).toEqual(['six@e.0006', 'seven@e.0007']);
  expect(second.said).not.toContain('offline');
  await second.stop();
});

test('a relay that went back, in the same epoch, is read on without a stall', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, failures, start, stop } = await setUp(link);
  await start();
  const told = ['a', 'b', 'c'].map((id, n) => frame(id, n + 1, { from: '/bob' }));
  link.streams[0]?.send(connected('e.0000'), ...told);
  await world.settle();
  link.streams[0]?.end();
  await world.advance(1000);
  // Restored from a backup: it holds two events, and gives the third's offset to another.
  const restored = [
    connected('e.0000', 'e.0003'),
    gap({ reason: 'epoch', missed: null }, 'e.0000'),
    ...told.slice(0, 2),
    frame('new', 3, { from: '/bob' }),
  ];
  link.streams[1]?.send(...restored);
  await world.settle();
  expect(await logOf(store)).toEqual(['a@e.0001', 'b@e.0002', 'c@e.0003', 'gap epoch null', 'new@e.0003']);
  link.streams[1]?.end();
  await world.advance(1000);
  expect(link.streams[2]?.positions.get('board')).toBe('e.0003');
  expect(failures).toEqual([]);
  await stop();
});

test('what something between here and the relay refuses waits; it is never refused for good', async () => {
  let isMended = false;
  const append = appendAll();
  const link = createScriptedLink((channel, events) => {
    if (isMended) return append(channel, events);
    throw new Failure('TooLarge', 'a proxy says 413', { foreign: true });
  });
  const { store, world, failures, start, stop } = await setUp(link);
  await record(store, '1', '2', '3');
  await start();
  await world.advance(60_000);
  expect((await store.state()).channels['board']?.pendingEvents).toBe(3);
  expect(link.pushed).toContainEqual(['board', '1']);
  isMended = true;
  await world.advance(60_000);
  expect((await store.state()).channels['board']?.pendingEvents).toBe(0);
  expect(failures).toEqual([]);
  await stop();
});

test('a disk that fails once while a channel wakes does not silence the channel', async () => {
  const inner = openMemoryStore(createMemoryDatabase(), createTestWorld());
  let failing = 0;
  const store: DeviceStore = {
    ...inner,
    async state() {
      if (failing === 0) return inner.state();
      failing -= 1;
      throw new Failure('StorageFailed', 'busy');
    },
  };
  const link = createScriptedLink(appendAll());
  const { world, start, stop } = await setUp(link, { store });
  const sync = await start();
  await record(store, '1');
  failing = 1;
  sync.wake('board');
  await world.advance(5000);
  expect(link.pushed).toEqual([['board', '1']]);
  await stop();
});

test('a disk that fails to read the outbox, with nothing in it, leaves the device online', async () => {
  const inner = openMemoryStore(createMemoryDatabase(), createTestWorld());
  let isFailing = false;
  const store: DeviceStore = {
    ...inner,
    async own(...asked) {
      if (!isFailing) return inner.own(...asked);
      isFailing = false;
      throw new Failure('StorageFailed', 'busy');
    },
  };
  const link = createScriptedLink(appendAll());
  const { world, said, failures, start, stop } = await setUp(link, { store });
  const sync = await start();
  link.streams[0]?.send(connected('e.0000'));
  await record(store, '1');
  sync.wake('board');
  await world.settle();
  isFailing = true;
  sync.wake('board');
  await world.advance(30_000);
  expect(failures.map(({ name }) => name)).toContain('StorageFailed');
  expect(said).not.toContain('offline');
  await stop();
});

test('an event whose body was damaged on its way is sent again, and one that is refused each time is refused for good', async () => {
  for (const times of [2, 3]) {
    const link = createScriptedLink(refusing('InvalidEvent', times));
    const { store, failures, start, stop } = await setUp(link);
    await record(store, '1');
    await start();
    expect(link.pushed).toHaveLength(3);
    expect((await store.state()).channels['board']?.pendingEvents).toBe(0);
    expect(failures.map(({ name }) => name)).toEqual(times === 2 ? [] : ['InvalidEvent']);
    await stop();
  }
});

test('a device that begins at the latest sends nothing before it knows where that is', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  await record(store, 'first');
  await start('latest');
  expect(link.pushed).toEqual([]);
  link.streams[0]?.send(connected('e.0041'));
  await world.settle();
  expect(link.pushed).toEqual([['board', 'first']]);
  await stop();
});

test('a device that may not read a channel sends to it all the same', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  await record(store, 'first');
  await start('latest');
  link.streams[0]?.send({ kind: 'refused', channel: 'board', name: 'Forbidden' });
  await world.settle();
  expect(link.pushed).toEqual([['board', 'first']]);
  await stop();
});

test('a log that is lost to this tab ends everything, and says so once', async () => {
  const inner = openMemoryStore(createMemoryDatabase(), createTestWorld());
  const store: DeviceStore = { ...inner, merge: () => Promise.reject(new Failure('Outdated', 'a newer release')) };
  const link = createScriptedLink(appendAll());
  const { world, failures, start, stop } = await setUp(link, { store });
  await start();
  link.streams[0]?.send(connected('e.0000'), frame('x', 1, { from: '/bob' }));
  await world.advance(60_000);
  expect(failures.map(({ name }) => name)).toEqual(['Outdated']);
  expect(link.streams).toHaveLength(1);
  await stop();
});

test('a stream that comes back does not cut short what the relay asked for', async () => {
  const link = createScriptedLink(refusing('Draining', 1, { retryAfterMs: 60_000 }));
  const { store, world, start, stop } = await setUp(link);
  await record(store, '1');
  await start();
  for (let second = 0; second < 59; second += 1) {
    link.streams.at(-1)?.send(connected('e.0000'));
    await world.advance(500);
    link.streams.at(-1)?.end();
    await world.advance(500);
  }
  expect(link.pushed).toHaveLength(1);
  await world.advance(3000);
  expect(link.pushed).toHaveLength(2);
  await stop();
});

test('what the relay dropped on its way here is counted', async () => {
  const link = createScriptedLink(appendAll());
  const { world, said, start, stop } = await setUp(link);
  await start();
  link.streams[0]?.send(connected('e.0000'), dropped(3), dropped(7));
  await world.settle();
  expect(said.filter((line) => line.startsWith('dropped'))).toEqual(['dropped 3 overflow', 'dropped 4 overflow']);
  await stop();
});

test('a channel is synced when what the relay held at the beginning is on disk, on each stream anew', async () => {
  const link = createScriptedLink(appendAll());
  const { world, synced, store, start, stop } = await setUp(link);
  await start();
  link.streams[0]?.send(connected('e.0000', 'e.0003'), frame('1', 1, { from: '/bob' }));
  await world.settle();
  link.streams[0]?.send(frame('2', 2, { from: '/bob' }));
  await world.settle();
  expect(synced).toEqual(['board started']);
  link.streams[0]?.send(frame('3', 3, { from: '/bob' }), frame('4', 4, { from: '/bob' }));
  await world.settle();
  expect(synced).toEqual(['board started', 'board completed']);
  expect(await logOf(store)).toHaveLength(4);
  link.streams[0]?.send(frame('5', 5, { from: '/bob' }));
  link.streams[0]?.end();
  await world.advance(1000);
  link.streams[1]?.send(connected('e.0005', 'e.0009'));
  link.streams[1]?.end();
  await world.advance(2000);
  link.streams[2]?.send(connected('e.0005'), { kind: 'heartbeat' });
  await world.settle();
  expect(synced.slice(2)).toEqual(['board started', 'board started', 'board completed']);
  await stop();
});

test('a channel whose newest events are gone is synced where its log goes on', async () => {
  const link = createScriptedLink(appendAll());
  const { world, synced, start, stop } = await setUp(link);
  await start();
  link.streams[0]?.send(connected('e.0003', 'e.0007'), gap({ missed: 7, reason: 'retention' }, 'e.0007'));
  await world.settle();
  expect(synced).toEqual(['board started', 'board completed']);
  await stop();
});

test('a device that begins at the latest remembers where that was', async () => {
  const link = createScriptedLink(appendAll());
  const { store, world, start, stop } = await setUp(link);
  await start('latest');
  link.streams[0]?.send(connected('e.0041'));
  await world.settle();
  expect((await store.state()).channels['board']?.read).toBe('e.0041');
  await stop();
});

test('a channel that may not be read is left out for a minute, and the others go on', async () => {
  const link = createScriptedLink(appendAll());
  const { world, said, start, stop } = await setUp(link);
  const sync = await start();
  await sync.read('secret', 'earliest');
  await world.settle();
  const both = link.streams.at(-1);
  expect([...(both?.positions.keys() ?? [])]).toEqual(['board', 'secret']);
  both?.send(connected('e.0000'), { kind: 'refused', channel: 'secret', name: 'Forbidden' });
  await world.settle();
  expect(said).toContain('paused secret');
  both?.end();
  await world.advance(1000);
  expect([...(link.streams.at(-1)?.positions.keys() ?? [])]).toEqual(['board']);
  await world.advance(60_000);
  expect([...(link.streams.at(-1)?.positions.keys() ?? [])]).toEqual(['board', 'secret']);
  await stop();
});

test('ephemeral events are sent while the relay is there, else dropped and counted', async () => {
  const link = createScriptedLink((_, events) => events.map(({ id }) => ({ id, status: 'relayed' })));
  const { world, said, start, stop } = await setUp(link);
  const sync = await start();
  sync.relay('board', [event('too early')]);
  expect(said.at(-1)).toBe('dropped 1 offline');
  link.streams[0]?.send(connected('e.0000'), {
    kind: 'event',
    event: { ...event('theirs', '/bob'), channel: 'board', ephemeral: true },
    channel: 'board',
    offset: null,
    size: 80,
  });
  await world.settle();
  expect(said).toContain('ephemeral theirs');
  sync.relay('board', [event('1'), event('2')]);
  await world.settle();
  expect(link.pushed).toEqual([['board', '1', '2']]);
  sync.relay(
    'board',
    Array.from({ length: 400 }, (_, n) => event(String(n))),
  );
  await world.settle();
  expect(said).toContain('dropped 144 overflow');
  await stop();
});

test('of however many channels with something to send each looks for its own place, and sixteen ask the relay at a time', async () => {
  const inner = openMemoryStore(createMemoryDatabase(), createTestWorld());
  const looks: (string | undefined)[] = [];
  const store: DeviceStore = {
    ...inner,
    state(channel) {
      looks.push(channel);
      return inner.state(channel);
    },
  };
  const names = Array.from({ length: 40 }, (_, n) => `room:${n}`);
  await inner.record(
    names.map((channel) => ({ channel, outbound: true, at: 0, bytes: 10, events: [event(`of ${channel}`)] })),
  );
  const append = appendAll();
  const answers: (() => void)[] = [];
  const link = createScriptedLink(async (channel, events) => {
    await new Promise<void>((resolve) => answers.push(resolve));
    return append(channel, events);
  });
  const { world, start, stop } = await setUp(link, { store });
  await start();
  expect(link.pushed).toHaveLength(16);
  answers.shift()?.();
  await world.settle();
  expect(link.pushed).toHaveLength(17);
  while (answers.length > 0) {
    for (const answer of answers.splice(0)) answer();
    await world.settle();
  }
  expect(link.pushed.map(([channel]) => channel)).toEqual(names);
  expect(looks.filter((channel) => channel === undefined)).toHaveLength(1);
  await stop();
});

test('whoever waits for a turn when the lead ends asks the relay nothing more', async () => {
  const store = openMemoryStore(createMemoryDatabase(), createTestWorld());
  const names = Array.from({ length: 20 }, (_, n) => `room:${n}`);
  await store.record(
    names.map((channel) => ({ channel, outbound: true, at: 0, bytes: 10, events: [event(`of ${channel}`)] })),
  );
  const asked = Promise.withResolvers<never>();
  const link = createScriptedLink(() => asked.promise);
  const { world, start, stop } = await setUp(link, { store });
  await start();
  const stopped = stop();
  asked.reject(new Failure('Unreachable', 'as the test says'));
  await world.settle();
  await stopped;
  expect(link.pushed).toHaveLength(16);
});
