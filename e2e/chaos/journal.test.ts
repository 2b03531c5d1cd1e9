import { expect, test } from 'vitest';
import { createJournal } from './journal.ts';
import type { Tale } from './tale.ts';

const tale: Tale = {
  tab: 'alice.1',
  turn: 1,
  acknowledged: [{ id: 'a', channel: 'notes', n: 1, onDisk: true }],
  heard: [
    { channel: 'notes', offset: 'e.1', id: 'b', by: 'bob.1', at: 50, intact: true },
    { channel: 'notes', offset: 'e.2', id: 'a', by: 'alice.2', at: 60, intact: true },
  ],
  refused: { StorageFailed: 2 },
  pending: 3,
  connection: 'online',
  storage: 'indexeddb',
  role: 'leader',
  dead: 0,
};
const orders = { perSecond: 5 };

test('a tale that comes again, since its answer was lost, counts once', () => {
  const journal = createJournal(() => 7);
  expect(journal.told(tale, orders)).toEqual(orders);
  journal.told(tale, orders);
  journal.told({ ...tale, turn: 2, acknowledged: [], heard: [], refused: {}, pending: 0 }, orders);
  expect(journal.kept).toEqual([{ id: 'a', channel: 'notes', n: 1, onDisk: true, by: 'alice.1', offset: null }]);
  expect(journal.tabs.get('alice.1')).toMatchObject({
    device: 'alice',
    at: 7,
    heard: tale.heard,
    last: { pending: 0 },
  });
  expect([...journal.refused]).toEqual([['StorageFailed', 2]]);
});

test('a device hears others: what its own tabs publish does not count', () => {
  const journal = createJournal(() => 0);
  journal.told(tale, orders);
  expect([journal.heardAt('alice'), journal.heardAt('bob')]).toEqual([50, 0]);
});

test('what any tab of a device has handled, the device has handled', () => {
  const journal = createJournal(() => 0);
  journal.ledger('alice.1', ['a', 'b']);
  journal.ledger('alice.2', ['b', 'c']);
  expect([...(journal.handled.get('alice') ?? [])]).toEqual(['a', 'b', 'c']);
});
