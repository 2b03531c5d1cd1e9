// The store contract: what comes from the relay.
import { describe, expect, test } from 'vitest';
import { type MergePage } from '../../ports/store.ts';
import { allOf, event, idsOf, own, page, type OpenStore } from './device.ts';

/** Pages, gaps, and the fence. */
export function merging(opened: OpenStore): void {
  describe('merge', () => {
    test('a page becomes entries with offsets and echoes, and moves the cursors', async () => {
      const { store } = await opened();
      const [mine = 0] = await store.record([own('room', [event('mine')])]);
      const merged = await store.merge({
        ...page('room', 'latest', 'e1.03', []),
        events: [
          { event: event('a'), offset: 'e1.01', echo: false },
          { event: event('mine'), offset: 'e1.02', echo: true },
          { event: event('b'), offset: 'e1.03', echo: false },
        ],
        echo: mine,
      });
      expect(merged).toBe('merged');
      const { entries } = await store.read(0, 10);
      expect(entries.map((entry) => entry.kind === 'event' && [entry.event.id, entry.offset, entry.echo])).toEqual([
        ['mine', null, false],
        ['a', 'e1.01', false],
        ['mine', 'e1.02', true],
        ['b', 'e1.03', false],
      ]);
      expect((await store.state()).channels['room']).toMatchObject({ read: 'e1.03', echo: mine });
    });

    test('a page without `echo` leaves the echo where it was', async () => {
      const { store } = await opened();
      await store.merge({ ...page('room', 'latest', 'o1', ['1']), echo: 5000 });
      await store.merge(page('room', 'o1', 'o2', ['2']));
      expect((await store.state()).channels['room']).toMatchObject({ read: 'o2', echo: 5000 });
    });

    test('an empty page keeps its position and shows no entry', async () => {
      const { store } = await opened();
      await store.merge(page('room', 'latest', 'o7', []));
      const run = await store.read(0, 10);
      expect(run).toMatchObject({ entries: [], atHead: true });
      expect((await store.state()).channels['room']?.read).toBe('o7');
      await store.merge(page('room', 'o7', 'o8', ['1']));
      expect(idsOf(await store.read(run.next, 10))).toEqual(['1']);
    });

    test('a gap is an entry, just before the events of its page', async () => {
      const { store } = await opened();
      await store.merge({ ...page('room', 'o1', 'o9', ['9']), gap: { missed: 7, reason: 'retention' } });
      await store.merge({ ...page('room', 'o9', 'p0', []), gap: { missed: null, reason: 'epoch' } });
      const { entries } = await store.read(0, 10);
      expect(entries).toMatchObject([
        { kind: 'gap', channel: 'room', gap: { missed: 7, reason: 'retention' } },
        { kind: 'event', event: { id: '9' } },
        { kind: 'gap', channel: 'room', gap: { missed: null, reason: 'epoch' } },
      ]);
      expect(entries).toEqual(entries.toSorted((one, other) => one.position - other.position));
      // Positions are a place to read on from, also between a gap and its page.
      const [gap] = entries;
      expect(idsOf(await store.read(gap?.position ?? 0, 1))).toEqual(['9']);
    });

    test('what is rechecked after an epoch change is remembered until it is ended', async () => {
      const { store } = await opened();
      const recheckTo = async (): Promise<string | undefined> => (await store.state()).channels['room']?.recheckTo;
      expect(await recheckTo()).toBeUndefined();
      await store.merge({ ...page('room', 'a.9', 'b.0', []), recheckTo: 'b.9' });
      await store.merge(page('room', 'b.0', 'b.1', ['1']));
      expect(await recheckTo()).toBe('b.9');
      await store.merge({ ...page('room', 'b.1', 'b.9', ['9']), recheckTo: null });
      expect(await recheckTo()).toBeUndefined();
    });

    test('a page whose `after` is merged already changes nothing', async () => {
      const { device, store: alice } = await opened();
      const bob = await device.open();
      await alice.merge({ ...page('room', 'o1', 'o2', ['2']), echo: 4000 });
      const before = await alice.state();
      const again: MergePage = {
        ...page('room', 'o1', 'o5', ['2', '3', '4', '5']),
        echo: 9000,
        recheckTo: 'o9',
        gap: { missed: 1, reason: 'retention' },
      };
      expect(await bob.merge(again)).toBe('fenced');
      expect(await alice.state()).toEqual(before);
      expect(await allOf(bob)).toEqual(['2']);
      expect(await bob.merge(page('room', 'o2', 'o3', ['3']))).toBe('merged');
      expect(await allOf(alice)).toEqual(['2', '3']);
    });

    test('of leaders that merge behind the same offset at once, one wins and the others change nothing', async () => {
      const { device, store: alice } = await opened();
      const tabs = [alice, await device.open(), await device.open()];
      for (let round = 0; round < 10; round += 1) {
        const outcomes = await Promise.all(
          tabs.map((tab, index) =>
            tab.merge({ ...page('room', `o${round}`, `o${round + 1}`, [`${round}`]), echo: 10_000 * round + index }),
          ),
        );
        expect(outcomes.filter((outcome) => outcome === 'merged')).toHaveLength(1);
        const winner = outcomes.indexOf('merged');
        expect((await alice.state()).channels['room']).toMatchObject({
          read: `o${round + 1}`,
          echo: 10_000 * round + winner,
        });
      }
      expect(await allOf(alice)).toEqual(Array.from({ length: 10 }, (_, round) => `${round}`));
    });

    test('the same offset in two channels is two pages', async () => {
      const { store } = await opened();
      expect(await store.merge(page('a', 'o1', 'o2', ['1']))).toBe('merged');
      expect(await store.merge(page('b', 'o1', 'o2', ['2']))).toBe('merged');
      expect(await store.merge(page('a', 'latest', 'o2', []))).toBe('merged');
    });
  });
}
