// Who is on a channel: a reload is no leaving, and a crowd that goes is not waited for.
import { expect, test } from 'vitest';
import { createTestWorld } from '../testing/world.ts';
import { createPresence } from './presence.ts';

function create(clientsMax = 10) {
  const world = createTestWorld();
  const told: string[] = [];
  const presence = createPresence({
    world,
    lifetimeMs: 1000,
    clientsMax,
    tell: (type, clientId) => told.push(`${type.slice(7)} ${clientId}`),
  });
  return { world, presence, told };
}

test('a client that comes back within its lifetime has not been away', async () => {
  const { world, presence, told } = create();
  const leave = presence.join('alice');
  leave();
  await world.advance(900);
  const again = presence.join('alice');
  await world.advance(5000);
  expect([told, presence.list().map(({ clientId }) => clientId)]).toEqual([['connected alice'], ['alice']]);
  again();
  again();
  await world.advance(1000);
  expect([told, presence.size]).toEqual([['connected alice', 'disconnected alice'], 0]);
});

test('a client is there as long as one of its connections, however often each says that it has ended', async () => {
  const { world, presence, told } = create();
  const [one, two] = [presence.join('alice'), presence.join('alice')];
  one();
  one();
  await world.advance(5000);
  expect(told).toEqual(['connected alice']);
  two();
  await world.advance(1000);
  expect(told).toEqual(['connected alice', 'disconnected alice']);
});

test('beyond its bound nobody who has gone is kept, and a channel that ends forgets all of them', async () => {
  const { world, presence, told } = create(1);
  const [alice, bob] = [presence.join('alice'), presence.join('bob')];
  bob();
  expect(told.at(-1)).toBe('disconnected bob');
  alice();
  presence.stop();
  await world.advance(5000);
  expect([told.length, presence.size]).toEqual([3, 0]);
});
