import { expect, onTestFinished, test } from 'vitest';
import type { CloudEvent } from '../event/cloudevent.ts';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import type { Store } from '../ports/store.ts';
import { createTestWorld, type TestWorld } from '../testing/world.ts';
import { createMerger, type Merger } from './merge.ts';

const channel = 'board';
const hour = 3_600_000;

function event(id: string): CloudEvent {
  return { specversion: '1.0', id, source: 'urn:uuid:bob', type: 'todo.added', data: id };
}

/** Two tabs of one device that both believe to lead. */
async function twoLeaders(): Promise<{
  readonly store: Store;
  readonly world: TestWorld;
  readonly open: () => Promise<Merger>;
}> {
  const world = createTestWorld();
  const store = openMemoryStore(createMemoryDatabase(), world);
  onTestFinished(() => store.close());
  return {
    store,
    world,
    async open() {
      const state = (await store.state()).channels[channel];
      return createMerger({
        channel,
        source: 'urn:uuid:alice',
        from: 'earliest',
        state,
        store,
        world,
        merged: () => undefined,
      });
    },
  };
}

async function merge(leader: Merger, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await leader.add(event(id), `e.000${id}`, 80);
  await leader.flush();
}

async function idsOf(store: Store): Promise<readonly unknown[]> {
  return (await store.read(0, 100)).entries.map((entry) => entry.kind === 'event' && entry.event.id);
}

async function trimAll(store: Store, now: number): Promise<void> {
  const bounds = { ageMs: 0, eventsMax: Infinity, bytesMax: Infinity };
  await store.trim({ ...bounds, now, segmentsMax: 100 });
}

test('a leader that was frozen until the page it holds was merged by another, and trimmed, does not merge it again', async () => {
  const { store, world, open } = await twoLeaders();
  const frozen = await open();
  await merge(frozen, '1');
  await frozen.add(event('2'), 'e.0002', 80);
  const awake = await open();
  await merge(awake, '2');
  await world.advance(2 * hour);
  await merge(awake, '3');
  await trimAll(store, world.now());
  expect(await idsOf(store)).toEqual(['3']);

  await expect(frozen.flush()).rejects.toMatchObject({ name: 'Fenced' });
  expect(await idsOf(store)).toEqual(['3']);
  expect((await store.state()).channels[channel]?.read).toBe('e.0003');
  // A stream from there goes on.
  expect(frozen.begin()).toBe('e.0003');
  await merge(frozen, '4');
  expect(await idsOf(store)).toEqual(['3', '4']);
});

test('nor when the clock has jumped back meanwhile', async () => {
  const { store, world, open } = await twoLeaders();
  const frozen = await open();
  await merge(frozen, '1');
  await merge(await open(), '2', '3');
  await trimAll(store, world.now() + 2 * hour);
  world.setClock(world.now() - hour);
  await expect(merge(frozen, '2')).rejects.toMatchObject({ name: 'Fenced' });
  expect(await idsOf(store)).toEqual([]);
});

test('a leader of a quiet channel goes on where it was, however long nothing came', async () => {
  const { store, world, open } = await twoLeaders();
  const leader = await open();
  for (const id of ['1', '2', '3']) {
    await merge(leader, id);
    await world.advance(5 * hour);
  }
  expect(await idsOf(store)).toEqual(['1', '2', '3']);
});
