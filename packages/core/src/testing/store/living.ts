// The store contract: opened again, by another user, closed, destroyed.
import { describe, expect, test } from 'vitest';
import { allOf, event, own, page, type OpenStore } from './device.ts';

/** A store's life. */
export function living(opened: OpenStore): void {
  describe('its life', () => {
    test('a store that is opened again knows everything', async () => {
      const { device, store } = await opened();
      const [first = 0] = await store.record([own('room', [event('1'), event('2')])]);
      await store.confirm({
        channel: 'room',
        sent: first,
        rejected: [{ event: event('1'), failure: { name: 'InvalidEvent', message: 'no' } }],
      });
      await store.merge({ ...page('room', 'latest', 'o1', ['3']), echo: first, recheckTo: 'o5' });
      const state = await store.state();
      const { entries } = await store.read(0, 10);
      await store.close();
      const again = await device.open();
      expect(await again.state()).toEqual(state);
      expect((await again.read(0, 10)).entries).toEqual(entries);
      expect(await device.rejected()).toEqual(['1']);
      expect(await again.refusals(['2', '1'])).toEqual([null, { name: 'InvalidEvent', message: 'no' }]);
      expect(await again.merge(page('room', 'latest', 'o1', ['3']))).toBe('fenced');
      const [next = 0] = await again.record([own('room', [event('4')])]);
      expect(next).toBeGreaterThan(entries.at(-1)?.position ?? 0);
    });

    test('two users of one browser never see each other\u2019s', async () => {
      const { device } = await opened();
      const alice = await device.open('alice');
      const bob = await device.open('bob');
      await alice.record([own('room', [event('hers')])]);
      await alice.merge(page('room', 'latest', 'o1', ['to her']));
      expect(await allOf(bob)).toEqual([]);
      expect(Object.keys((await bob.state()).channels)).toEqual([]);
      expect(await bob.merge(page('room', 'latest', 'o1', ['to him']))).toBe('merged');
      expect((await bob.state()).deviceId).not.toBe((await alice.state()).deviceId);
      await bob.destroy();
      expect(await allOf(alice)).toEqual(['hers', 'to her']);
    });

    test('a closed store says so, whatever it is asked, and closing twice is closing once', async () => {
      const { store } = await opened();
      await store.close();
      await store.close();
      for (const asked of [
        store.state(),
        store.record([own('room', [event('1')])]),
        store.merge(page('room', 'latest', 'o1', [])),
        store.confirm({ channel: 'room', sent: 1, rejected: [] }),
        store.read(0, 1),
        store.own('room', 0, 1),
        store.trim({ now: 1, ageMs: 0, eventsMax: 0, bytesMax: 0, segmentsMax: 1 }),
      ]) {
        await expect(asked).rejects.toMatchObject({ name: 'Closed' });
      }
    });

    test('closing waits for what is under way', async () => {
      const { device, store } = await opened();
      const recorded = store.record([own('room', [event('1')])]);
      await store.close();
      await recorded;
      expect(await allOf(await device.open())).toEqual(['1']);
    });

    test('a destroyed store is forgotten: what opens next is empty and another device', async () => {
      const { device, store } = await opened();
      const other = await device.open();
      const { deviceId } = await store.state();
      await store.record([own('room', [event('1')])]);
      await store.destroy();
      await store.destroy();
      await expect(store.state()).rejects.toMatchObject({ name: 'Closed' });
      await expect(other.record([own('room', [event('2')])])).rejects.toMatchObject({ name: 'Closed' });
      const fresh = await device.open();
      expect(await allOf(fresh)).toEqual([]);
      const state = await fresh.state();
      expect(state.deviceId).not.toBe(deviceId);
      expect(Object.keys(state.channels)).toEqual([]);
      expect(await fresh.merge(page('room', 'latest', 'o1', ['1']))).toBe('merged');
    });
  });
}
