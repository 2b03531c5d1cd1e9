// The store contract: what a device forgets, and what it must not.
import { describe, expect, test } from 'vitest';
import { handlerPinMs, trimYoungMs, type Trimmed } from '../../ports/store.ts';
import { allOf, event, page, sizeOf, type OpenStore } from './device.ts';
import { defined, everything, hour, local, moved, now, old, recorded, trimmed, unsent } from './old.ts';

/** Trimming. */
export function trimming(opened: OpenStore): void {
  describe('trim', () => {
    test('an empty log, and one within its bounds, lose nothing', async () => {
      const { store } = await opened();
      const nothing = { events: 0, bytes: 0, held: { events: 0, bytes: 0 }, more: false };
      expect(await store.trim({ ...everything, ageMs: 0 })).toEqual(nothing);
      await store.record([local('a', 'b', 'c')]);
      expect(await store.trim(everything)).toMatchObject({ events: 0, held: { events: 3 }, more: false });
      expect(await store.trim({ ...everything, ageMs: 2 * hour, eventsMax: 3 })).toMatchObject({ events: 0 });
      expect(await allOf(store)).toEqual(['a', 'b', 'c']);
    });

    test('by age: what is older goes, and is counted', async () => {
      const { store } = await opened();
      await store.record([{ ...local('a', 'b'), at: now - 50 * hour }]);
      await store.merge({ ...page('room', 'latest', 'o1', ['c']), at: now - 40 * hour, bytes: 30 });
      await store.record([{ ...local('d'), at: now - 30 * hour }]);
      const done = await trimmed(store, { ageMs: 35 * hour });
      expect(done).toEqual({
        events: 3,
        bytes: sizeOf(event('a'), event('b')) + 30,
        held: { events: 1, bytes: sizeOf(event('d')) },
        more: false,
      });
      expect(await allOf(store)).toEqual(['d']);
    });

    test('by count and by bytes: the oldest go, in whole segments, until it fits', async () => {
      const { store } = await opened();
      for (const index of [1, 2, 3, 4, 5, 6]) await store.record([local(`${index}a`, `${index}b`)]);
      expect(await trimmed(store, { eventsMax: 9 })).toMatchObject({ events: 4, held: { events: 8 } });
      expect((await allOf(store))[0]).toBe('3a');
      const bytesMax = sizeOf(event('5a'), event('5b'), event('6a'), event('6b'));
      expect(await trimmed(store, { bytesMax })).toMatchObject({ events: 4, held: { events: 4, bytes: bytesMax } });
      expect(await allOf(store)).toEqual(['5a', '5b', '6a', '6b']);
      // What is recorded later is counted too, also in another tab.
      await store.record([local('7a', '7b')]);
      expect(await trimmed(store, { eventsMax: 4 })).toMatchObject({ events: 2, held: { events: 4 } });
      expect(await allOf(store)).toEqual(['6a', '6b', '7a', '7b']);
    });

    test('the young stay, whatever the bounds', async () => {
      const { store } = await opened();
      await store.record([local('old')]);
      await store.record([{ ...local('young'), at: now - trimYoungMs + 1 }]);
      await store.record([{ ...local('new'), at: now }]);
      expect(await trimmed(store, { ageMs: 0, eventsMax: 0, bytesMax: 0 })).toMatchObject({ events: 1 });
      expect(await allOf(store)).toEqual(['young', 'new']);
    });

    test('what a wrong clock recorded for the future stays, and holds up nothing else', async () => {
      const { store } = await opened();
      await store.record([{ ...local('of a wrong clock'), at: now + 9 * hour }]);
      await store.record([local('old')]);
      await store.record([{ ...local('new'), at: now }]);
      await trimmed(store, { ageMs: 0 });
      expect(await allOf(store)).toEqual(['of a wrong clock', 'new']);
      await trimmed(store, { ageMs: 0, now: now + 20 * hour });
      expect(await allOf(store)).toEqual([]);
    });

    test('own events that the relay has not confirmed stay, while later ones go', async () => {
      const { store } = await opened();
      const [first = 0] = await store.record([unsent('room', 'sent 1', 'sent 2'), unsent('hall', 'pending')]);
      await store.record([unsent('room', 'sent 3', 'pending too')]);
      await store.merge({ ...page('room', 'latest', 'o1', ['theirs']), at: old });
      await store.record([local('local')]);
      const [last = 0] = await store.record([unsent('room', 'last')]);
      await store.confirm({ channel: 'room', sent: first + 1024 * 2, rejected: [] });
      await trimmed(store, { ageMs: 0 });
      expect(await allOf(store)).toEqual(['pending', 'sent 3', 'pending too', 'last']);
      expect((await store.own('room', 0, 9)).map(({ event }) => event.id)).toEqual(['sent 3', 'pending too', 'last']);
      expect((await store.state()).channels['room']).toMatchObject({ pendingEvents: 2, read: 'o1' });
      await store.confirm({ channel: 'room', sent: last, rejected: [] });
      await trimmed(store, { ageMs: 0 });
      expect(await allOf(store)).toEqual(['pending']);
      expect((await store.state()).channels['hall']).toMatchObject({ pendingEvents: 1 });
    });

    test('what a handler has not passed stays, and so does what lies behind it', async () => {
      const { store } = await opened();
      const positions = await recorded(store, 5);
      const [, , third = 0] = positions;
      await defined(store, 'behind', { cursor: third, claimed: third + 3000 });
      await defined(store, 'ahead', { cursor: third + 9000, claimed: third + 9000 });
      await trimmed(store, { ageMs: 0 });
      // The third lies below its cursor: it has ended. The fourth is claimed, and may run again.
      expect(await allOf(store)).toEqual(['4', '5']);
      expect((await store.handlers()).map(({ totals }) => totals.dropped)).toEqual([{}, {}]);
    });

    test('a segment that a handler has passed in part stays as a whole', async () => {
      const { store } = await opened();
      const [first = 0] = await store.record([local('1', '2', '3')]);
      const behind = await defined(store, 'behind', { cursor: first + 1, claimed: first + 1 });
      await trimmed(store, { ageMs: 0 });
      expect(await allOf(store)).toEqual(['1', '2', '3']);
      await moved(store, behind, { cursor: first + 2, claimed: first + 2 });
      await trimmed(store, { ageMs: 0 });
      expect(await allOf(store)).toEqual([]);
    });

    test('a handler that no tab has defined for a week pins nothing, and what it missed is counted', async () => {
      const { store } = await opened();
      const positions = await recorded(store, 4, 2);
      const [first = 0, second = 0] = positions;
      const ago = now - handlerPinMs;
      // It passed the first, of the second one event is claimed, one has ended; of the rest it knows nothing.
      await defined(store, 'gone', {
        at: ago,
        cursor: first + 1,
        claimed: second + 1,
        ended: [second],
        totals: { passed: 4, handled: 3, failed: 0, dropped: {} },
      });
      // What it claimed of the second was not its own to run: it counted one event as passed, and handled it.
      await defined(store, 'wants little', {
        at: ago,
        cursor: first + 1,
        claimed: second + 1,
        totals: { passed: 1, handled: 1, failed: 0, dropped: {} },
      });
      await defined(store, 'never ran', { at: ago, cursor: 0, claimed: 0 });
      await defined(store, 'done', { at: ago, cursor: 99_999, claimed: 99_999 });
      await store.record([{ ...local('young'), at: now }]);
      expect(await trimmed(store, { ageMs: 0 })).toMatchObject({ events: 8 });
      expect(await allOf(store)).toEqual(['young']);
      const totals = Object.fromEntries((await store.handlers()).map((each) => [each.name, each.totals]));
      expect(totals['gone']).toEqual({ passed: 8, handled: 3, failed: 0, dropped: { retention: 5 } });
      expect(totals['wants little']).toEqual({ passed: 5, handled: 1, failed: 0, dropped: { retention: 4 } });
      expect(totals['never ran']).toMatchObject({ passed: 8, dropped: { retention: 8 } });
      expect(totals['done']).toMatchObject({ passed: 0, dropped: {} });
      const [gone] = (await store.handlers()).filter(({ name }) => name === 'gone');
      expect(gone).toMatchObject({ cursor: first + 1, claimed: second + 1, owner: 'alice' });
    });

    test('one moment less, and it pins', async () => {
      const { store } = await opened();
      await recorded(store, 2);
      await defined(store, 'away', { at: now - handlerPinMs + 1, cursor: 0, claimed: 0 });
      expect(await trimmed(store, { ageMs: 0 })).toMatchObject({ events: 0, more: false });
      expect((await store.handlers())[0]?.totals.dropped).toEqual({});
    });

    test('a step looks at no more segments than it may, and says whether there is more', async () => {
      for (const segmentsMax of [1, 2, 3, 7]) {
        const { store } = await opened();
        await store.record([unsent('room', 'pending')]);
        await recorded(store, 10);
        await store.record([unsent('room', 'pending too')]);
        await store.record([{ ...local('young'), at: now }]);
        let events = 0;
        let steps = 0;
        for (let more = true; more; steps += 1) {
          const step = await store.trim({ ...everything, ageMs: 0, segmentsMax });
          expect(step.events).toBeLessThanOrEqual(segmentsMax);
          events += step.events;
          ({ more } = step);
          if (steps > 99) throw new Error('it never ends');
        }
        expect(events).toBe(10);
        expect(await allOf(store)).toEqual(['pending', 'pending too', 'young']);
        // And all over again, from the oldest.
        await store.confirm({ channel: 'room', sent: 1024 * 99, rejected: [] });
        expect(await trimmed(store, { ageMs: 0, segmentsMax })).toMatchObject({ held: { events: 1 } });
        expect(await allOf(store)).toEqual(['young']);
      }
    });

    test('what was trimmed is known when the store is opened again', async () => {
      const { device, store } = await opened();
      await recorded(store, 6);
      const done = await trimmed(store, { eventsMax: 4 });
      await store.close();
      const again = await device.open();
      expect((await again.read(0, 9)).trimmed).toBe(true);
      expect(await trimmed(again, { eventsMax: 4 })).toEqual({ ...done, events: 0, bytes: 0 });
      expect(await trimmed(again, { eventsMax: 3 })).toMatchObject({ events: 1, held: { events: 3 } });
    });

    test('tabs that trim at once while others record trim nothing twice, and count every event once', async () => {
      const { device, store } = await opened();
      const other = await device.open();
      await recorded(store, 30);
      const steps: Trimmed[] = [];
      await Promise.all([
        ...[store, other, store, other].map(async (tab) => {
          for (let more = true; more;) {
            const step = await tab.trim({ ...everything, eventsMax: 10, segmentsMax: 4 });
            steps.push(step);
            ({ more } = step);
          }
        }),
        ...Array.from({ length: 10 }, (_, index) => other.record([{ ...local(`new ${index}`), at: now }])),
      ]);
      const last = await trimmed(store, { eventsMax: 10 });
      const left = await allOf(store);
      expect(steps.reduce((sum, { events }) => sum + events, last.events) + left.length).toBe(40);
      expect(last.held.events).toBe(left.length);
      expect(left).toEqual(Array.from({ length: 10 }, (_, index) => `new ${index}`).filter((id) => left.includes(id)));
    });
  });
}
