import { expect, test } from 'vitest';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import type { Link } from '../ports/link.ts';
import { createTestWorld } from '../testing/world.ts';
import { aborted } from '../timing/wait.ts';
import { appendAll, createScriptedLink } from './scripted-link.ts';
import { startSync } from './sync.ts';

const source = 'urn:uuid:alice';

async function setUp(push: Link['push']) {
  const world = createTestWorld();
  const store = openMemoryStore(createMemoryDatabase(), world);
  const life = new AbortController();
  const dropped: string[] = [];
  const events = Array.from({ length: 8 }, (_, index) => {
    return { specversion: '1.0', id: String(index), source, type: 'todo.added' } as const;
  });
  await store.record([{ channel: 'board', outbound: true, at: 0, bytes: 10, events }]);
  const link = createScriptedLink(() => []);
  const sync = await startSync({
    store,
    link: { ...link, push },
    world,
    source,
    channels: new Map([['board', 'earliest']]),
    signal: life.signal,
    events: {
      connection: () => undefined,
      paused: () => undefined,
      confirmed: () => undefined,
      idle: () => undefined,
      merged: () => undefined,
      lost: () => undefined,
      ephemeral: () => undefined,
      synced: () => undefined,
      dropped: (_channel, reason, count) => dropped.push(`${count} ${reason}`),
      report: () => undefined,
    },
  });
  await world.settle();
  const pending = async (): Promise<number> => (await store.state()).channels['board']?.pendingEvents ?? 0;
  return { world, life, link, sync, pending, dropped };
}

test('a push that nobody answers is given up after a minute and sent again, in smaller batches', async () => {
  const answer = appendAll();
  const sizes: number[] = [];
  const { world, life, pending } = await setUp(async (channel, events, signal) => {
    sizes.push(events.length);
    if (sizes.length < 3) await aborted(signal);
    signal.throwIfAborted();
    return answer(channel, events);
  });
  expect(await pending()).toBe(8);
  await world.advance(59_000);
  expect(sizes).toEqual([8]);
  await world.advance(5 * 60_000);
  expect(sizes.slice(0, 4)).toEqual([8, 4, 2, 4]);
  expect(await pending()).toBe(0);
  life.abort();
  await world.settle();
  expect(world.timers).toBe(0);
});

const pointer = (id: string) => ({ specversion: '1.0', id, source, type: 'pointer.moved', ephemeral: true }) as const;

test('ephemeral events that nobody answers for do not hold up those behind them', async () => {
  const sent: string[] = [];
  const { world, life, link, sync, dropped } = await setUp(async (_channel, events, signal) => {
    if (events.length === 8) return events.map(({ id }) => ({ id, status: 'appended', offset: `e.${id}` }));
    sent.push(events.map(({ id }) => id).join());
    if (sent.length === 1) {
      await aborted(signal);
      signal.throwIfAborted();
    }
    return events.map(({ id }) => ({ id, status: 'relayed' }));
  });
  link.streams[0]?.send({ kind: 'connected', channel: 'board', position: 'e.0', head: 'e.0' });
  await world.settle();
  sync.relay('board', [pointer('first')]);
  await world.settle();
  sync.relay('board', [pointer('second')]);
  await world.advance(60_000);
  expect(sent).toEqual(['first', 'second']);
  expect(dropped).toEqual(['1 unreachable']);
  life.abort();
  await world.settle();
});

test('ephemeral events that wait when the lead ends are not sent any more, and counted', async () => {
  const sent: string[] = [];
  const { world, life, link, sync, dropped } = await setUp(async (_channel, events, signal) => {
    sent.push(events.map(({ id }) => id).join());
    if (events.length < 8) {
      await aborted(signal);
      signal.throwIfAborted();
    }
    return events.map(({ id }) => ({ id, status: 'appended', offset: `e.${id}` }));
  });
  link.streams[0]?.send({ kind: 'connected', channel: 'board', position: 'e.0', head: 'e.0' });
  await world.settle();
  sync.relay('board', [pointer('first')]);
  sync.relay('board', [pointer('second')]);
  sync.relay('lobby', [pointer('third')]);
  life.abort();
  await world.settle();
  expect(sent).toEqual(['0,1,2,3,4,5,6,7', 'first']);
  expect(dropped).toEqual(['1 unreachable', '1 offline', '1 offline']);
});
