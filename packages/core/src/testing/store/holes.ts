// The store contract: a log that was trimmed is read right across its holes, and whoever missed something hears of it.
import { describe, expect, test } from 'vitest';
import type { Position } from '../../ports/store.ts';
import { allOf, event, eventsOf, idsOf, page, type OpenStore } from './device.ts';
import { local, now, old, recorded, trimmed, unsent } from './old.ts';

/** Reading what is left. */
export function holes(opened: OpenStore): void {
  describe('what was trimmed', () => {
    test('a reader behind a trimmed place hears of it, and one at the head does not', async () => {
      const { store } = await opened();
      const [first = 0, second = 0, third = 0] = await recorded(store, 4, 2);
      expect((await store.read(0, 9)).trimmed).toBeUndefined();
      await trimmed(store, { eventsMax: 4 });
      const { head } = await store.state();
      for (const after of [0, first, second]) {
        const run = await store.read(after, 1);
        expect(run.trimmed).toBe(true);
        expect(run.entries.map(({ position }) => position)).toEqual([third]);
      }
      // Behind the last event that went, and between it and the next: nothing is missing.
      for (const after of [second + 1, third - 1, third, third + 1, head]) {
        expect((await store.read(after, 9)).trimmed).toBeUndefined();
      }
      expect(await store.read(head, 9)).toMatchObject({ entries: [], atHead: true });
    });

    test('reading goes right across the holes, in pieces of any length', async () => {
      const { store } = await opened();
      const positions: Position[] = [];
      for (let index = 0; index < 12; index += 1) {
        const segment = index % 3 === 0 ? unsent('room', `${index}a`, `${index}b`) : local(`${index}a`, `${index}b`);
        positions.push(...(await store.record([index < 9 ? segment : { ...segment, at: now }])));
      }
      const lastGone = (positions[8] ?? 0) + 1;
      await trimmed(store, { ageMs: 0 });
      const kept = ['0', '3', '6', '9', '10', '11'].flatMap((index) => [`${index}a`, `${index}b`]);
      for (let limit = 1; limit <= 13; limit += 1) {
        const seen: string[] = [];
        for (let after: Position = 0, isDone = false; !isDone;) {
          const run = await store.read(after, limit);
          seen.push(...idsOf(run));
          expect(run.trimmed).toBe(after < lastGone ? true : undefined);
          after = run.next;
          isDone = run.atHead;
        }
        expect(seen).toEqual(kept);
      }
      expect((await store.own('room', 0, 99)).map(({ event }) => event.id)).toEqual(
        ['0', '3', '6', '9'].flatMap((index) => [`${index}a`, `${index}b`]),
      );
    });

    test('a log of which nothing is left goes on behind what it was, and its head is not forgotten', async () => {
      const { device, store } = await opened();
      const [, , last = 0] = await recorded(store, 3);
      await trimmed(store, { ageMs: 0 });
      expect(await allOf(store)).toEqual([]);
      for (const tab of [store, await device.open()]) {
        const { head } = await tab.state();
        expect(head).toBeGreaterThanOrEqual(last);
        expect(await tab.read(head, 9)).toEqual({ entries: [], next: head, atHead: true });
        expect(await tab.read(0, 9)).toMatchObject({ entries: [], atHead: true, trimmed: true });
      }
      const { head } = await store.state();
      const [next = 0] = await store.record([local('next')]);
      expect(next).toBeGreaterThan(head);
      expect(eventsOf(await store.read(head, 9))).toEqual([event('next')]);
      expect((await store.read(head, 9)).trimmed).toBeUndefined();
    });

    test('pages without events go too, and nobody misses them; a gap is missed', async () => {
      const { store } = await opened();
      await store.merge({ ...page('room', 'latest', 'o1', []), at: old });
      await trimmed(store, { ageMs: 0 });
      expect((await store.read(0, 9)).trimmed).toBeUndefined();
      await store.merge({ ...page('room', 'o1', 'o2', []), at: old, gap: { missed: 3, reason: 'retention' } });
      await trimmed(store, { ageMs: 0 });
      expect(await store.read(0, 9)).toMatchObject({ entries: [], trimmed: true });
      expect((await store.state()).channels['room']?.read).toBe('o2');
      expect(await store.merge(page('room', 'o2', 'o3', ['1']))).toBe('merged');
    });
  });
}
