// The store contract: what a device writes itself, in one tab and in several.
import { describe, expect, test } from 'vitest';
import { positionsPerSegment, segmentEventsMax, type Position } from '../../ports/store.ts';
import { allOf, event, eventsOf, idsOf, own, page, type OpenStore } from './device.ts';

/** Own events, and several tabs. */
export function writing(opened: OpenStore): void {
  describe('record', () => {
    test('an empty log has nothing to read, to send or to tell', async () => {
      const { store } = await opened();
      expect(await store.read(0, 10)).toMatchObject({ entries: [], atHead: true });
      expect(await store.own('room', 0, 10)).toEqual([]);
      const { head, channels, deviceId } = await store.state();
      expect(head).toBe(0);
      expect(Object.keys(channels)).toEqual([]);
      expect(deviceId).not.toBe('');
    });

    test('own events are read back as they were recorded, at positions that increase', async () => {
      const { store } = await opened();
      const events = [event('1', { text: 'hello' }), event('2', [1, null, true, 'é\u{1f426}']), event('3', undefined)];
      const [first] = await store.record([own('room', events)]);
      if (first === undefined) throw new Error('no position was answered');
      expect(first % positionsPerSegment).toBe(0);
      expect(first).toBeGreaterThan(0);
      const { entries } = await store.read(0, 10);
      expect(entries).toEqual(
        events.map((item, index) => ({
          kind: 'event',
          position: first + index,
          channel: 'room',
          event: item,
          offset: null,
          echo: false,
        })),
      );
    });

    test('one call records several channels, and answers one position for each segment', async () => {
      const { store } = await opened();
      const positions = await store.record([
        own('a', [event('1')]),
        own('b', [event('2'), event('3')]),
        own('a', [event('4')]),
      ]);
      expect(positions).toHaveLength(3);
      expect(positions).toEqual(positions.toSorted((one, other) => one - other));
      expect(idsOf(await store.read(0, 10))).toEqual(['1', '2', '3', '4']);
      expect(await store.record([])).toEqual([]);
    });

    test('what the caller changes after record, or in what it has read, is not what is stored', async () => {
      const { store } = await opened();
      const data = { text: 'before' };
      await store.record([own('room', [event('1', data)])]);
      data.text = 'after';
      const read = async (): Promise<unknown> => eventsOf(await store.read(0, 1))[0]?.data;
      expect(await read()).toEqual({ text: 'before' });
      Object.assign((await read()) ?? {}, { text: 'changed by a reader' });
      expect(await read()).toEqual({ text: 'before' });
    });

    test('a segment that cannot be stored takes its neighbours with it: nothing was stored', async () => {
      const { store } = await opened();
      const unstorable = event('2', () => 'a function');
      await expect(store.record([own('a', [event('1')]), own('b', [unstorable])])).rejects.toMatchObject({
        name: 'StorageFailed',
      });
      expect(await allOf(store)).toEqual([]);
      await store.record([own('a', [event('3')])]);
      expect(await allOf(store)).toEqual(['3']);
    });

    test('a segment of more events than a position has room for is refused, and stores nothing', async () => {
      const { store } = await opened();
      const many = Array.from({ length: segmentEventsMax + 1 }, (_, index) => event(String(index)));
      await expect(store.record([own('room', many)])).rejects.toMatchObject({ name: 'Internal' });
      expect(await allOf(store)).toEqual([]);
      await store.record([own('room', many.slice(1))]);
      expect(await allOf(store)).toHaveLength(segmentEventsMax);
    });

    test('calls that are not awaited keep their order', async () => {
      const { store } = await opened();
      const positions = await Promise.all(
        Array.from({ length: 50 }, (_, index) => store.record([own('room', [event(String(index))])])),
      );
      expect(positions.flat()).toEqual(positions.flat().toSorted((one, other) => one - other));
      expect(await allOf(store)).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
    });
  });

  describe('several tabs', () => {
    test('every tab reads the same log in the same order, whichever tab wrote it', async () => {
      const { device, store: alice } = await opened();
      const bob = await device.open();
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const tab = index % 2 === 0 ? alice : bob;
          if (index % 5 === 0) await tab.merge(page('room', `o${index}`, `o${index + 1}`, [`m${index}`]));
          else await tab.record([own(index % 3 === 0 ? 'room' : 'hall', [event(`r${index}`)])]);
        }),
      );
      const log = await allOf(alice);
      expect(log).toHaveLength(20);
      expect(await allOf(bob)).toEqual(log);
      expect((await alice.state()).deviceId).toBe((await bob.state()).deviceId);
    });

    test('what one tab has recorded, another reads at once', async () => {
      const { device, store: alice } = await opened();
      const bob = await device.open();
      const [first = 0] = await alice.record([own('room', [event('1')])]);
      expect(idsOf(await bob.read(first - 1, 1))).toEqual(['1']);
      expect((await bob.state()).channels['room']?.pendingEvents).toBe(1);
    });

    test('a reader that reads while others write misses nothing', async () => {
      const { device, store: alice } = await opened();
      const reader = await device.open();
      const writing = Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          index % 3 === 0
            ? alice.merge(page('room', `o${index}`, `o${index + 3}`, [`e${index}`]))
            : alice.record([own('room', [event(`e${index}`)])]),
        ),
      );
      const seen: string[] = [];
      let after: Position = 0;
      let isWritten = false;
      void writing.then(() => (isWritten = true));
      for (;;) {
        const wasWritten = isWritten;
        const run = await reader.read(after, 7);
        seen.push(...idsOf(run));
        after = run.next;
        if (wasWritten && run.atHead) break;
      }
      await writing;
      expect(seen).toEqual(await allOf(alice));
      expect(seen).toHaveLength(60);
    });
  });
}
