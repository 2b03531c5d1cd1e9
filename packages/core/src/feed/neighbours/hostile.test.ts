// What a relay hears may be of a newer release, damaged, or made up: it is passed over whole, and reported.
import { describe, expect, test } from 'vitest';
import type { NeighbourMessage } from '../../ports/neighbours.ts';
import { createCluster } from '../test/cluster.ts';
import { eventOf } from '../test/reading.ts';
import { decodeNeighbourMessage } from './decode.ts';

const ephemeral = eventOf('1', { ephemeral: true });

describe('a message', () => {
  test('is read as it was said', () => {
    const messages: readonly NeighbourMessage[] = [
      { kind: 'ephemeral', event: ephemeral },
      { kind: 'came', clientId: '__proto__', since: 0 },
      { kind: 'went', clientId: '' },
      { kind: 'here', count: 0, sum: 2 ** 32 - 1 },
      { kind: 'who' },
      { kind: 'who', of: 'relay-1' },
      { kind: 'present', part: 0, isLast: true, clients: [] },
      { kind: 'present', part: 3, isLast: false, clients: [['alice', 1]] },
    ];
    for (const message of messages) {
      expect(decodeNeighbourMessage(JSON.parse(JSON.stringify({ ...message, later: 1 })))).toEqual(message);
    }
  });

  test.each(['', 'removed', '__proto__', 'constructor'])('of the unknown kind "%s" is passed over', (kind) => {
    expect(decodeNeighbourMessage({ kind, clientId: 1 })).toBeUndefined();
  });

  test.each<unknown>([
    undefined,
    null,
    'who',
    7,
    [],
    {},
    { kind: null },
    { kind: ['who'] },
    { kind: 'ephemeral' },
    { kind: 'ephemeral', event: eventOf('1') },
    { kind: 'ephemeral', event: { ...ephemeral, type: '' } },
    { kind: 'came', clientId: 'alice' },
    { kind: 'came', clientId: 7, since: 0 },
    { kind: 'came', clientId: 'alice', since: 1e16 },
    { kind: 'came', clientId: 'alice', since: Number.NaN },
    { kind: 'came', clientId: 'alice', since: '2026-01-01T00:00:00Z' },
    { kind: 'went' },
    { kind: 'here', count: 1 },
    { kind: 'here', count: -1, sum: 0 },
    { kind: 'here', count: 1.5, sum: 0 },
    { kind: 'who', of: 1 },
    { kind: 'who', of: null },
    { kind: 'present', part: 0, isLast: true },
    { kind: 'present', part: 0, isLast: true, clients: {} },
    { kind: 'present', part: 0, clients: [] },
    { kind: 'present', part: 2 ** 53, isLast: true, clients: [] },
    { kind: 'present', part: 0, isLast: true, clients: [['alice', 1], 'bob'] },
    { kind: 'present', part: 0, isLast: true, clients: [['alice']] },
  ])('that is damaged is refused: %j', (message) => {
    expect(() => decodeNeighbourMessage(message)).toThrow(
      expect.objectContaining({ name: expect.stringMatching(/^Invalid(Request|Event)$/) }),
    );
  });
});

test('damaged messages are reported, one of many, and hurt nobody', async () => {
  const { world, relay, stranger } = createCluster({ presenceMs: 1000 });
  const [one, mallory] = [relay(), stranger()];
  const reader = await one.read({ clientId: 'alice' });
  const say = (message: unknown): void => mallory.say(message as NeighbourMessage);
  for (let times = 0; times < 100; times += 1) say({ kind: 'came', clientId: times, since: 0 });
  say({ kind: 'of a newer release' });
  say({ kind: 'ephemeral', event: ephemeral });
  await world.settle();
  expect(one.reported.map(({ name, message }) => ({ name, message }))).toEqual([
    {
      name: 'InvalidRequest',
      message: `passed over what the relay "${mallory.id}" said of "room:1": a neighbour said number for a name`,
    },
  ]);
  expect(reader.shown).toEqual(['1']);
  expect(await one.clients()).toEqual(['alice']);
  say(null);
  await world.settle();
  expect(one.reported).toHaveLength(2);
});

test('lists out of their order, without an end or beyond the bound, are no lists', async () => {
  const { world, relay, stranger } = createCluster({ presenceMs: 1000, subscribersMax: 3 });
  const [one, mallory] = [relay(), stranger()];
  await one.read();
  await world.advance(250);
  const part = (part: number, isLast: boolean, ...ids: readonly string[]): void =>
    mallory.say({ kind: 'present', part, isLast, clients: ids.map((id) => [id, 0]) });
  part(1, true, 'a');
  part(0, false, 'a');
  part(2, true, 'b');
  part(0, false, 'a', 'b');
  part(1, true, 'c', 'd');
  part(2, true, 'a');
  await world.settle();
  expect(await one.clients()).toEqual([]);
  for (const clientId of ['a', 'b', 'c', 'd']) mallory.say({ kind: 'came', clientId, since: 0 });
  await world.settle();
  expect(await one.clients()).toEqual(['a', 'b', 'c']);
  // More than it may have: it is not asked for them again and again.
  mallory.say({ kind: 'here', count: 4, sum: 0 });
  await world.settle();
  expect(one.said.filter(({ kind }) => kind === 'who')).toHaveLength(1);
});

test('questions without end are answered together, and only by whom they are meant for', async () => {
  const { world, relay, stranger } = createCluster({ presenceMs: 1000 });
  const [one, mallory] = [relay(), stranger()];
  await one.read({ clientId: 'alice' });
  await world.advance(100);
  for (let times = 0; times < 1000; times += 1) mallory.say({ kind: 'who' });
  mallory.say({ kind: 'who', of: 'somebody else' });
  await world.advance(100);
  mallory.say({ kind: 'who', of: 'somebody else' });
  await world.advance(100);
  expect(one.said.filter(({ kind }) => kind === 'present')).toEqual([
    { kind: 'present', part: 0, isLast: true, clients: [['alice', expect.any(Number)]] },
  ]);
});
