// A relay ends a connection on which it refuses every channel: that is an answer, not an outage.
import { expect, test } from 'vitest';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import { createTestWorld } from '../testing/world.ts';
import { appendAll, createScriptedLink, offsetOf } from './scripted-link.ts';
import { createMerger } from './merge.ts';
import { startPull } from './pull.ts';

function fail(failure: Error): never {
  throw failure;
}

function ignore(): void {}

async function pull(...channels: readonly string[]) {
  const world = createTestWorld();
  const store = openMemoryStore(createMemoryDatabase(), world);
  const link = createScriptedLink(appendAll());
  const reached: string[] = [];
  const life = new AbortController();
  const parts = { source: '/alice', from: 'earliest', state: undefined, store, world, merged: ignore };
  const mergers = new Map(channels.map((channel) => [channel, createMerger({ channel, ...parts })]));
  const events = {
    reached: (failure?: Error) => reached.push(failure?.message ?? 'yes'),
    forbidden: ignore,
    ephemeral: ignore,
    synced: ignore,
    dropped: ignore,
    report: fail,
    lost: fail,
  };
  const puller = startPull({ mergers, link, world, events, signal: life.signal });
  await world.settle();
  return { world, link, reached, stop: () => (life.abort(), puller.ended) };
}

test('a device that may read none of its channels is told so, and asks again in a minute', async () => {
  const { world, link, reached, stop } = await pull('a', 'b');
  link.streams[0]?.send(
    { kind: 'refused', channel: 'a', name: 'Forbidden' },
    { kind: 'refused', channel: 'b', name: 'Forbidden' },
  );
  link.streams[0]?.end();
  await world.advance(59_000);
  expect([reached, link.streams.length]).toEqual([['yes'], 1]);
  await world.advance(1000);
  expect([...(link.streams[1]?.positions.keys() ?? [])]).toContain('a');
  await stop();
});

test('a position, which is for readers with a filter, is passed over', async () => {
  const { world, link, reached, stop } = await pull('a');
  link.streams[0]?.send({ kind: 'position', channel: 'a', position: offsetOf(7) });
  link.streams[0]?.end();
  await world.advance(10_000);
  expect(reached[0]).toBe('yes');
  expect(link.streams[1]?.positions.get('a')).toBe('earliest');
  await stop();
});
