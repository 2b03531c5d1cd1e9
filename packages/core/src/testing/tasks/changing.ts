// The contract of durable handlers: what a person does with rows.
import { describe, expect, test } from 'vitest';
import type { TaskChange, TaskKey, TaskQuery, TaskStore } from '../../ports/tasks.ts';
import { event } from '../store/device.ts';
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
  statesOf,
  step,
  type OpenTasks,
} from './device.ts';

/** Retry, discard, cancel, forget. */
export function changing(opened: OpenTasks): void {
  const one = { handler: receipts, position: 1 };

  describe('change', () => {
    test('dead, deferred and waiting rows run again at once, dead ones with all their attempts', async () => {
      const { store } = await opened();
      const failure = { name: 'HandlerFailed', message: 'no' } as const;
      const alice = await holding(
        store,
        row(1, { state: 'dead', attempts: 5, failure }),
        row(2, { state: 'deferred', attempts: 2 }),
        row(3, { attempts: 3, delayMs: 99_999 }),
        row(4, { state: 'running' }),
        row(5, { state: 'cancelled' }),
      );
      expect(await store.change({}, 'retry', { at: 7000, limit: 99 })).toEqual({ changed: 3, next: null });
      expect(await rowsOf(store, { states: ['waiting'] })).toEqual([
        row(1, { attempts: 0, at: 7000, failure }),
        row(2, { attempts: 2, at: 7000 }),
        row(3, { attempts: 3, at: 7000 }),
      ]);
      expect(await statesOf(store)).toMatchObject({ 4: 'running', 5: 'cancelled' });
      const record = await recordOf(store);
      expect(record).toMatchObject({ due: 7000, totals: alice.totals, beat: alice.beat, term: alice.term });
      await expectAgreement(store);
      expect(positionsOf((await advanced(store, alice, { at: 7000, claim: 9 })).claimed)).toEqual([1, 2, 3]);
    });

    test('dead and deferred rows are discarded, and counted', async () => {
      const { store } = await opened();
      const totals = { passed: 9, handled: 2, failed: 7, dropped: { discarded: 1, skipped: 1 } };
      const alice = await holding(store, row(1, { state: 'dead' }), row(2, { state: 'deferred' }), row(3));
      await advanced(store, alice, { totals, put: [row(4, { state: 'blocked', key: 'a' })] });
      expect(await store.change({}, 'discard', { at: 7000, limit: 99 })).toEqual({ changed: 2, next: null });
      expect(await statesOf(store)).toEqual({ 3: 'waiting', 4: 'blocked' });
      expect((await recordOf(store)).totals).toEqual({ ...totals, dropped: { discarded: 3, skipped: 1 } });
      await expectAgreement(store);
    });

    test('waiting, blocked and deferred rows are cancelled, and counted; a running one is under way', async () => {
      const { store } = await opened();
      await holding(
        store,
        row(1),
        row(2, { state: 'running', key: 'a' }),
        row(3, { state: 'blocked', key: 'a' }),
        row(4, { state: 'deferred' }),
        row(5, { state: 'dead' }),
      );
      expect(await store.change({}, 'cancel', { at: 7000, limit: 99 })).toEqual({ changed: 3, next: null });
      expect(await statesOf(store)).toEqual({ 2: 'running', 5: 'dead' });
      expect(await recordOf(store)).toMatchObject({ due: null, totals: { dropped: { cancelled: 3 } } });
      await expectAgreement(store);
    });

    test('one row is changed, and its neighbours are not', async () => {
      const { store } = await opened();
      await holding(store, row(1, { state: 'dead' }), row(2, { state: 'dead' }));
      await leased(store, { handler: 'audit' });
      const change = (what: TaskChange): ReturnType<TaskStore['change']> =>
        store.change(one, what, { at: 7000, limit: 9 });
      expect(await change('cancel')).toMatchObject({ changed: 0 });
      expect(await change('retry')).toMatchObject({ changed: 1 });
      expect(await statesOf(store)).toEqual({ 1: 'waiting', 2: 'dead' });
      expect(await change('discard')).toMatchObject({ changed: 0 });
      expect(await change('cancel')).toMatchObject({ changed: 1 });
      expect(await change('cancel')).toMatchObject({ changed: 0 });
      expect(await store.change({ handler: 'audit', position: 2 }, 'discard', { at: 1, limit: 9 })).toMatchObject({
        changed: 0,
      });
      expect(await statesOf(store)).toEqual({ 2: 'dead' });
    });

    test('a row that runs again while its key has another live one is blocked, and of several the first waits', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(1, { state: 'dead', key: 'busy' }),
        row(2, { state: 'running', key: 'busy' }),
        row(3, { state: 'dead', key: 'free' }),
        row(4, { state: 'deferred', key: 'free' }),
        row(5, { state: 'dead', key: null }),
        row(6, { key: 'its own', delayMs: 5000 }),
        row(7, { state: 'blocked', key: 'its own' }),
      );
      await store.change({}, 'retry', { at: 7000, limit: 99 });
      expect(await statesOf(store)).toEqual({
        1: 'blocked',
        2: 'running',
        3: 'waiting',
        4: 'blocked',
        5: 'waiting',
        6: 'waiting',
        7: 'blocked',
      });
      await expectAgreement(store);
      // It was first in the log, so it is first when the other has ended.
      const next = await advanced(store, alice, { at: 7000, remove: [2], unblock: ['busy'], claim: 9 });
      expect(positionsOf(next.claimed)).toEqual([1, 3, 5, 6]);
    });

    test('when the first of a key is cancelled, the next waits: nobody is blocked by nobody', async () => {
      const { store } = await opened();
      await holding(
        store,
        row(1, { key: 'a', delayMs: 99 }),
        row(2, { key: 'a', state: 'blocked' }),
        row(3, { key: 'a', state: 'blocked' }),
      );
      await store.change(one, 'cancel', { at: 7000, limit: 9 });
      expect(await statesOf(store)).toEqual({ 2: 'waiting', 3: 'blocked' });
      expect((await recordOf(store)).due).toBe(7000);
      await store.change({ handler: receipts, states: ['blocked'] }, 'cancel', { at: 7000, limit: 9 });
      expect(await statesOf(store)).toEqual({ 2: 'waiting' });
      await expectAgreement(store);
    });

    test('by handler, type and state, and of several handlers at once', async () => {
      const { store } = await opened();
      const dead = { state: 'dead', event: { ...event('x'), type: 'order.paid' } } as const;
      await holding(store, row(1, dead), row(2, { state: 'dead' }), row(3, { ...dead, state: 'deferred' }));
      const audit = await leased(store, { handler: 'audit' });
      await advanced(store, audit, { put: [row(1, { ...dead, handler: 'audit' }), row(2, { handler: 'audit' })] });
      const count = async (query: TaskQuery): Promise<number> =>
        (await store.change(query, 'retry', { at: 7000, limit: 99 })).changed;
      expect(await count({ type: 'order.paid', states: ['cancelled', 'running', 'blocked'] })).toBe(0);
      expect(await count({ type: 'unheard.of' })).toBe(0);
      expect(await count({ type: 'order.paid', states: ['dead'] })).toBe(2);
      expect(await statesOf(store)).toEqual({ 1: 'waiting', 2: 'dead', 3: 'deferred' });
      expect(await statesOf(store, 'audit')).toEqual({ 1: 'waiting', 2: 'waiting' });
      expect(await count({ handler: receipts, states: ['deferred', 'dead'] })).toBe(2);
      expect(await count({ handler: 'unheard-of' })).toBe(0);
      await expectAgreement(store);
    });

    test('a change is made in pieces of any size, and comes to every row once', async () => {
      for (let limit = 1; limit <= 12; limit += 1) {
        const { store } = await opened();
        const audit = await leased(store, { handler: 'audit' });
        await advanced(store, audit, { put: [1, 2, 3].map((at) => row(at, { handler: 'audit', state: 'dead' })) });
        await holding(store, ...[1, 2, 3, 4, 5, 6].map((at) => row(at, { state: at % 3 === 0 ? 'running' : 'dead' })));
        let changed = 0;
        for (let after: TaskKey | null | undefined; after !== null;) {
          const answer = await store.change({}, 'retry', {
            at: 7000,
            limit,
            ...(after === undefined ? {} : { after }),
          });
          expect(answer.changed).toBeLessThanOrEqual(limit);
          changed += answer.changed;
          after = answer.next;
        }
        expect(changed).toBe(7);
        expect(await statesOf(store)).toEqual({
          1: 'waiting',
          2: 'waiting',
          3: 'running',
          4: 'waiting',
          5: 'waiting',
          6: 'running',
        });
        await expectAgreement(store);
      }
    });

    test('it does not fence the owner, and what both change is counted once', async () => {
      const { device, store } = await opened();
      const other = await device.open();
      const rows = Array.from({ length: 20 }, (_, index) => row(index + 1));
      const alice = await holding(store, ...rows);
      let claimed = 0;
      let cancelled = 0;
      await Promise.all([
        (async () => {
          for (let turn = 0; turn < 10; turn += 1)
            claimed += (await advanced(store, alice, { claim: 1 })).claimed.length;
        })(),
        (async () => {
          for (let turn = 0; turn < 5; turn += 1)
            cancelled += (await other.change({ handler: receipts }, 'cancel', { at: 1, limit: 2 })).changed;
        })(),
      ]);
      expect({ claimed, cancelled }).toEqual({ claimed: 10, cancelled: 10 });
      expect(await recordOf(store)).toMatchObject({
        rows: { running: 10, waiting: 0 },
        totals: { dropped: { cancelled: 10 } },
      });
      await expectAgreement(store);
    });
  });

  describe('forget', () => {
    test('a handler that nobody owns goes with all its rows, and no other\u2019s', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1), row(2, { state: 'dead' }));
      const audit = await leased(store, { handler: `${receipts}-2` });
      await advanced(store, audit, { put: [row(1, { handler: `${receipts}-2` })] });
      const owned = await everythingOf(store);
      expect(await store.forget(receipts)).toBe(false);
      expect(await everythingOf(store)).toEqual(owned);
      await advanced(store, alice, { release: true });
      expect(await store.forget(receipts)).toBe(true);
      expect(await store.forget(receipts)).toBe(false);
      expect(await store.forget('unheard-of')).toBe(false);
      expect((await rowsOf(store)).map(({ handler }) => handler)).toEqual([`${receipts}-2`]);
      expect((await store.handlers()).map(({ name }) => name)).toEqual([`${receipts}-2`]);
    });

    test('a handler that is defined again begins anew, and an old step does not reach it', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1));
      await advanced(store, alice, { release: true, totals: { passed: 1, handled: 1, failed: 0, dropped: {} } });
      await store.forget(receipts);
      expect(await store.lease({ handler: receipts, tab: 'bob', at: 900 })).toBeNull();
      expect(await store.advance(step(alice, { put: [row(2)] }))).toBe('fenced');
      expect(await leased(store, { tab: 'bob', start: 77 })).toMatchObject({ cursor: 77, totals: { passed: 0 } });
      expect(await rowsOf(store)).toEqual([]);
    });
  });
}
