// The contract of durable handlers: events of one key run in order, one at a time, also across retries.
import { describe, expect, test } from 'vitest';
import {
  advanced,
  expectAgreement,
  holding,
  leased,
  positionsOf,
  recordOf,
  row,
  rowsOf,
  statesOf,
  type OpenTasks,
} from './device.ts';

/** Keys. */
export function keyed(opened: OpenTasks): void {
  describe('keys', () => {
    test('an event from the log is blocked if its key has a row that waits, runs or is blocked, and is not written if not', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(1, { key: 'waits', delayMs: 99 }),
        row(2, { key: 'runs', state: 'running' }),
        row(3, { key: 'dead', state: 'dead' }),
        row(4, { key: 'deferred', state: 'deferred' }),
        row(5, { key: null }),
        row(6, { key: 'is blocked', state: 'blocked' }),
      );
      const keys = ['waits', 'runs', 'dead', 'deferred', 'new', null, 'new', 'runs', 'is blocked', ''];
      const fresh = keys.map((key, index) => row(10 + index, { key, attempts: 0, at: 1000, state: 'waiting' }));
      const { queued, record } = await advanced(store, alice, { queue: fresh });
      expect(queued.toSorted((one, other) => one - other)).toEqual([10, 11, 17, 18]);
      expect((await rowsOf(store)).slice(6)).toEqual(
        [fresh[0], fresh[1], fresh[7], fresh[8]].map((each) => ({ ...each, state: 'blocked' })),
      );
      expect(record.rows).toMatchObject({ blocked: 5, waiting: 2, running: 1 });
      await expectAgreement(store);
    });

    test('what was blocked has ended, as far as the log goes, in the very step that blocks it', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1, { key: 'a', delayMs: 99 }));
      const queue = [row(12, { key: 'a' }), row(13, { key: 'b' }), row(11, { key: 'a' })];
      const { record } = await advanced(store, alice, { cursor: 9, claimed: 20, ended: [10, 15], queue });
      expect(record).toMatchObject({ cursor: 9, claimed: 20, ended: [10, 11, 12, 15] });
      expect(await recordOf(store)).toEqual(record);
    });

    test('a row is not behind itself', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(1, { key: 'a', state: 'running' }),
        row(2, { key: 'b', state: 'running' }),
      );
      const other = await advanced(store, alice, { put: [row(3, { key: 'b' })] });
      const again = [row(1, { key: 'a' }), row(2, { key: 'b' })];
      expect((await advanced(store, other.record, { queue: again })).queued).toEqual([2]);
      expect(await statesOf(store)).toEqual({ 1: 'running', 2: 'blocked', 3: 'waiting' });
    });

    test('a row that this very step puts or ends is heeded', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1, { key: 'ends', state: 'running' }));
      const { queued } = await advanced(store, alice, {
        put: [row(2, { key: 'begins', delayMs: 500 })],
        remove: [1],
        unblock: ['ends'],
        queue: [row(3, { key: 'ends' }), row(4, { key: 'begins' })],
      });
      expect(queued).toEqual([4]);
      expect(await statesOf(store)).toEqual({ 2: 'waiting', 4: 'blocked' });
    });

    test('when the first of a key ends, the next by position waits, due at once, and the others stay blocked', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(1, { key: 'a', state: 'running' }),
        row(9, { key: 'a', state: 'blocked', attempts: 0 }),
        row(4, { key: 'a', state: 'blocked', attempts: 0, at: 5, delayMs: 77 }),
        row(2, { key: 'b', state: 'blocked' }),
        row(3, { key: 'b', state: 'running' }),
      );
      const { record } = await advanced(store, alice, { at: 2000, remove: [1], unblock: ['a', 'a'] });
      expect(await statesOf(store)).toEqual({ 2: 'blocked', 3: 'running', 4: 'waiting', 9: 'blocked' });
      expect((await rowsOf(store, { states: ['waiting'] }))[0]).toEqual(
        row(4, { key: 'a', attempts: 0, at: 2000, delayMs: 0 }),
      );
      expect(record).toMatchObject({ due: 2000, rows: { waiting: 1, blocked: 2, running: 1 } });
      await expectAgreement(store);
    });

    test('a key whose first still waits or runs, or that nobody waits for, lets nobody go', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(1, { key: 'a', delayMs: 500 }),
        row(2, { key: 'a', state: 'blocked' }),
        row(3, { key: 'b', state: 'running' }),
        row(4, { key: 'b', state: 'blocked' }),
        row(5, { key: 'c', state: 'dead' }),
      );
      const { claimed } = await advanced(store, alice, { unblock: ['a', 'b', 'c', 'd', '__proto__'], claim: 9 });
      expect(claimed).toEqual([]);
      expect(await statesOf(store)).toEqual({ 1: 'waiting', 2: 'blocked', 3: 'running', 4: 'blocked', 5: 'dead' });
    });

    test('a first that is given up lets the next go', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(1, { key: 'a', state: 'running' }),
        row(2, { key: 'a', state: 'blocked' }),
      );
      const given = await advanced(store, alice, {
        put: [row(1, { key: 'a', state: 'dead' })],
        unblock: ['a'],
        claim: 9,
      });
      expect(positionsOf(given.claimed)).toEqual([2]);
      await expectAgreement(store);
    });

    test('keys of different handlers, and keys that look alike, are different keys', async () => {
      const { store } = await opened();
      const lookalikes = [
        '1',
        '01',
        '',
        ' ',
        'a',
        'A',
        'é',
        'e\u0301',
        '\ud800',
        '\udfff',
        '\ufffd',
        '\u0000',
        '__proto__',
        '["a"]',
      ];
      const alice = await holding(store, ...lookalikes.map((key, index) => row(index + 1, { key, state: 'running' })));
      const audit = await leased(store, { handler: 'audit' });
      const others = lookalikes.map((key, index) => row(index + 1, { handler: 'audit', key }));
      expect((await advanced(store, audit, { queue: others })).queued).toEqual([]);
      for (const [index, key] of lookalikes.entries()) {
        expect((await advanced(store, alice, { queue: [row(100 + index, { key })] })).queued).toEqual([100 + index]);
      }
      await advanced(store, alice, { remove: [1, 9], unblock: ['1', '\ud800'] });
      const waiting = await rowsOf(store, { states: ['waiting'] });
      expect(positionsOf(waiting)).toEqual([100, 108]);
    });

    test('a key\u2019s events are claimed one at a time, in the order of their positions, whatever fails between', async () => {
      const { store } = await opened();
      let { record } = await advanced(store, await leased(store), {
        put: [row(1, { key: 'a' })],
        claimed: 1,
        cursor: 1,
      });
      const ran: number[] = [];
      let at = 1000;
      for (let position = 2; ran.length < 24; position += 1) {
        at += 10;
        const taken = await advanced(store, record, {
          at,
          cursor: position,
          claimed: position,
          queue: position <= 12 ? [row(position, { key: 'a', attempts: 0, at })] : [],
          claim: 9,
        });
        expect(taken.claimed.length).toBeLessThanOrEqual(1);
        ran.push(...positionsOf(taken.claimed));
        const [current] = taken.claimed;
        if (current === undefined) throw new Error('nothing of the key was due');
        // Every first attempt fails, and is due again after a while.
        const isRetried = ran.filter((each) => each === current.position).length === 2;
        const end = isRetried
          ? { remove: [current.position], unblock: ['a'] }
          : { put: [{ ...current, state: 'waiting' as const, at, delayMs: 10 }] };
        ({ record } = await advanced(store, taken.record, { at, cursor: position, claimed: position, ...end }));
      }
      expect(ran).toEqual(Array.from({ length: 24 }, (_, index) => 1 + Math.floor(index / 2)));
      await expectAgreement(store);
    });
  });

  describe('what is cancelled ahead', () => {
    test('is not to be run once its handler comes to it, and is counted then', async () => {
      const { store } = await opened();
      const alice = await leased(store, { start: 10 });
      expect(await store.cancelAhead(row(12))).toBe(true);
      expect(await store.cancelAhead(row(15))).toBe(true);
      expect(await store.cancelAhead(row(15))).toBe(true);
      expect(await statesOf(store)).toEqual({ 12: 'cancelled', 15: 'cancelled' });
      await expectAgreement(store);
      const first = await advanced(store, alice, { claimed: 14 });
      expect(first.cancelled).toEqual([12]);
      expect(first.record).toMatchObject({ rows: { cancelled: 1 }, totals: { dropped: { cancelled: 1 } } });
      const second = await advanced(store, first.record, { claimed: 15, cursor: 15 });
      expect(second.cancelled).toEqual([15]);
      expect(await statesOf(store)).toEqual({});
      expect((await recordOf(store)).totals.dropped).toEqual({ cancelled: 2 });
      expect((await advanced(store, second.record, { claimed: 20 })).cancelled).toEqual([]);
    });

    test('has ended in the step that comes to it: who comes after a tab that died then does not run it', async () => {
      const { store } = await opened();
      const alice = await leased(store, { start: 10 });
      await store.cancelAhead(row(12));
      await store.cancelAhead(row(15));
      const { record } = await advanced(store, alice, { claimed: 20, cursor: 13, ended: [14] });
      expect(record.ended).toEqual([14, 15]);
    });

    test('is refused for an event that was handed out, and where there is no handler', async () => {
      const { store } = await opened();
      expect(await store.cancelAhead(row(5))).toBe(false);
      await leased(store, { start: 10 });
      expect(await store.cancelAhead(row(10))).toBe(false);
      expect(await store.cancelAhead(row(3))).toBe(false);
      expect(await rowsOf(store)).toEqual([]);
      await expectAgreement(store);
    });

    test('is refused for an event that has ended, also where those before it were given back', async () => {
      const { store } = await opened();
      const alice = await leased(store, { start: 10 });
      await store.cancelAhead(row(15));
      const { record } = await advanced(store, alice, { claimed: 20, ended: [17] });
      const back = await advanced(store, record, { claimed: 11, ended: record.ended });
      expect(await store.cancelAhead(row(15))).toBe(false);
      expect(await store.cancelAhead(row(17))).toBe(false);
      expect(await store.cancelAhead(row(16))).toBe(true);
      await advanced(store, back.record, { claimed: 20, cursor: 20 });
      expect((await recordOf(store)).totals.dropped).toEqual({ cancelled: 2 });
    });

    test('is neither queued nor overwritten by the step that comes to it', async () => {
      const { store } = await opened();
      const alice = await leased(store, { start: 10 });
      const { record } = await advanced(store, alice, { put: [row(5, { key: 'a' })] });
      await store.cancelAhead(row(12, { key: 'a' }));
      await store.cancelAhead(row(13));
      const { queued, cancelled } = await advanced(store, record, {
        claimed: 20,
        put: [row(13, { state: 'deferred' })],
        queue: [row(11, { key: 'a' }), row(12, { key: 'a' })],
      });
      expect({ queued, cancelled }).toEqual({ queued: [11], cancelled: [12, 13] });
      expect(await statesOf(store)).toEqual({ 5: 'waiting', 11: 'blocked' });
      await expectAgreement(store);
    });
  });
}
