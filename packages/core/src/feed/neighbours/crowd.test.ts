// A crowd that comes and goes at once is told of in turns; what has changed back meanwhile is no news.
import { expect, test } from 'vitest';
import { createTestWorld } from '../../testing/world.ts';
import { createCrowd } from './crowd.ts';

function create() {
  const world = createTestWorld();
  const told: string[] = [];
  const tell = (type: string, clientId: string): void => void told.push(`${type.slice(7)} ${clientId}`);
  return { world, told, crowd: createCrowd({ world, isRead: () => true, tell }) };
}

const ids = Array.from({ length: 150 }, (_, index) => `client-${index}`);

test('readers are told of many in turns, so that their sockets have room', async () => {
  const { world, told, crowd } = create();
  crowd.learn();
  for (const id of ids) crowd.add(id, 0, true);
  crowd.learned();
  expect(told).toHaveLength(64);
  await world.advance(0);
  expect(told).toEqual(ids.map((id) => `connected ${id}`));
  expect(world.timers).toBe(0);
});

test('who has gone and come back before anybody was told of it has not been away', async () => {
  const { world, told, crowd } = create();
  for (const id of ids) crowd.add(id, 0, true);
  crowd.learn();
  for (const id of ids) crowd.drop(id);
  for (const id of ids.slice(1)) crowd.add(id, 1, true);
  expect(crowd.list()).toHaveLength(149);
  crowd.learned();
  await world.advance(0);
  expect(told.slice(150)).toEqual(['disconnected client-0']);
});

test('a crowd that ends forgets whom it was to tell of', async () => {
  const { world, told, crowd } = create();
  crowd.learn();
  for (const id of ids) crowd.add(id, 0, true);
  crowd.learned();
  crowd.clear();
  expect([world.timers, crowd.list()]).toEqual([0, []]);
  await world.advance(0);
  expect(told).toHaveLength(64);
});
