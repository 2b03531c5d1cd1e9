// The contract of durable handlers: opened again, by another user, closed, destroyed; and beside the log.
import { describe, expect, test } from 'vitest';
import { allOf, event, own, page } from '../store/device.ts';
import {
  advanced,
  everythingOf,
  expectAgreement,
  holding,
  leased,
  positionsOf,
  receipts,
  recordOf,
  row,
  rowsOf,
  step,
  type OpenTasks,
} from './device.ts';

/** What is kept, and for whom. */
export function keeping(opened: OpenTasks): void {
  describe('its life', () => {
    test('a store that is opened again knows every handler and every row', async () => {
      const { device, store } = await opened();
      const alice = await holding(
        store,
        row(1, { key: 'a', delayMs: 60 }),
        row(2, { key: 'a', state: 'blocked' }),
        row(3, { state: 'dead', attempts: 5, failure: { name: 'HandlerFailed', message: 'no' } }),
      );
      await advanced(store, alice, {
        cursor: 2048,
        claimed: 3075,
        ended: [3072],
        totals: { passed: 9, handled: 4, failed: 7, dropped: { skipped: 1 } },
      });
      await store.cancelAhead(row(9000));
      const before = await everythingOf(store);
      await store.close();
      const again = await device.open();
      expect(await everythingOf(again)).toEqual(before);
      // And it goes on from there, under the same lease.
      const next = await advanced(again, await recordOf(again), { at: 1060, claimed: 9001, claim: 9 });
      expect(positionsOf(next.claimed)).toEqual([1]);
      expect(next.cancelled).toEqual([9000]);
      const done = await advanced(again, next.record, { remove: [1], unblock: ['a'], claim: 9 });
      expect(positionsOf(done.claimed)).toEqual([2]);
      await expectAgreement(again);
    });

    test('what one tab has committed another sees at once', async () => {
      const { device, store } = await opened();
      const bob = await device.open();
      const alice = await leased(store);
      for (let position = 1; position <= 5; position += 1) {
        await advanced(store, alice, { put: [row(position)] });
        expect(positionsOf(await rowsOf(bob))).toContain(position);
        expect((await recordOf(bob)).rows.waiting).toBe(position);
      }
      await bob.change({ handler: receipts, position: 3 }, 'cancel', { at: 1, limit: 1 });
      expect(positionsOf((await advanced(store, alice, { claim: 9 })).claimed)).toEqual([1, 2, 4, 5]);
    });

    test('two users of one browser never see each other\u2019s', async () => {
      const { device } = await opened();
      const alice = await device.open('alice');
      const bob = await device.open('bob');
      await holding(alice, row(1), row(2, { state: 'dead' }));
      expect(await bob.handlers()).toEqual([]);
      expect(await rowsOf(bob)).toEqual([]);
      expect(await bob.lease({ handler: receipts, tab: 'bob', at: 1 })).toBeNull();
      await leased(bob, { start: 7 });
      await bob.destroy();
      expect(positionsOf(await rowsOf(alice))).toEqual([1, 2]);
    });

    test('a closed store says so, whatever it is asked', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1));
      await store.close();
      for (const asked of [
        store.handlers(),
        store.lease({ handler: receipts, tab: 'alice', at: 1 }),
        store.advance(step(alice)),
        store.tasks({}, { limit: 1 }),
        store.change({}, 'retry', { at: 1, limit: 1 }),
        store.cancelAhead(row(5)),
        store.forget(receipts),
      ]) {
        await expect(asked).rejects.toMatchObject({ name: 'Closed' });
      }
    });

    test('closing waits for a step that is under way', async () => {
      const { device, store } = await opened();
      const alice = await leased(store);
      const advancing = store.advance(step(alice, { put: [row(1)] }));
      await store.close();
      expect(await advancing).not.toBe('fenced');
      expect(positionsOf(await rowsOf(await device.open()))).toEqual([1]);
    });

    test('a destroyed store has no handlers, and whoever had it open hears that it is gone', async () => {
      const { device, store } = await opened();
      const other = await device.open();
      const alice = await holding(store, row(1));
      await store.destroy();
      await expect(store.handlers()).rejects.toMatchObject({ name: 'Closed' });
      await expect(other.advance(step(alice, { put: [row(2)] }))).rejects.toMatchObject({ name: 'Closed' });
      await expect(other.tasks({}, { limit: 1 })).rejects.toMatchObject({ name: 'Closed' });
      const fresh = await device.open();
      expect(await fresh.handlers()).toEqual([]);
      expect(await rowsOf(fresh)).toEqual([]);
    });

    test('handlers and the log leave each other alone', async () => {
      const { store } = await opened();
      const alice = await leased(store);
      await Promise.all([
        store.record([own('orders', [event('1')])]),
        store.advance(step(alice, { put: [row(1)], claim: 1 })),
        store.merge(page('orders', 'latest', 'o1', ['2'])),
        store.advance(step(alice, { remove: [1] })),
        store.record([own('orders', [event('3')])]),
      ]);
      expect((await allOf(store)).toSorted()).toEqual(['1', '2', '3']);
      expect(await rowsOf(store)).toEqual([]);
      expect((await store.state()).channels['orders']).toMatchObject({ read: 'o1', pendingEvents: 2 });
    });
  });
}
