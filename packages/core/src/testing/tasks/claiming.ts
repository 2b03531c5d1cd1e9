// The contract of durable handlers: which rows are claimed, in which order, and by whom.
import { describe, expect, test } from 'vitest';
import type { TaskRow } from '../../ports/tasks.ts';
import {
  advanced,
  expectAgreement,
  holding,
  leased,
  positionsOf,
  row,
  rowsOf,
  statesOf,
  step,
  type OpenTasks,
} from './device.ts';

/** Claims. */
export function claiming(opened: OpenTasks): void {
  describe('claim', () => {
    test('a claimed row runs, and has used an attempt', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1, { attempts: 2, key: 'a', delayMs: 10, offset: 'e.1' }));
      const { claimed, record } = await advanced(store, alice, { at: 1010, claim: 5 });
      const running = row(1, { state: 'running', attempts: 3, key: 'a', at: 1010, delayMs: 0, offset: 'e.1' });
      expect(claimed).toEqual([running]);
      expect(await rowsOf(store)).toEqual([running]);
      expect(record).toMatchObject({ rows: { waiting: 0, running: 1 }, due: null });
      expect((await advanced(store, record, { at: 9999, claim: 5 })).claimed).toEqual([]);
    });

    test('the oldest due come first, then the lower position, and no more than asked for', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(5, { at: 100, delayMs: 800 }),
        row(4, { at: 900, delayMs: 5 }),
        row(3, { at: 0, delayMs: 900 }),
        row(2, { at: 500, delayMs: 500 }),
        row(1, { at: 999, delayMs: 2 }),
      );
      const first = await advanced(store, alice, { at: 1000, claim: 3 });
      expect(positionsOf(first.claimed)).toEqual([3, 5, 4]);
      const second = await advanced(store, first.record, { at: 1000, claim: 3 });
      expect(positionsOf(second.claimed)).toEqual([2]);
      expect(second.record).toMatchObject({ due: 1001, rows: { waiting: 1, running: 4 } });
      expect(positionsOf((await advanced(store, second.record, { at: 1001, claim: 3 })).claimed)).toEqual([1]);
    });

    test('nothing is claimed that nobody asked for, is not due, or does not wait', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(1),
        row(2, { delayMs: 1 }),
        row(3, { state: 'dead' }),
        row(4, { state: 'deferred' }),
        row(5, { state: 'cancelled' }),
        row(6, { state: 'running', key: 'a' }),
        row(7, { state: 'blocked', key: 'a' }),
      );
      expect((await advanced(store, alice)).claimed).toEqual([]);
      expect(positionsOf((await advanced(store, alice, { claim: 99 })).claimed)).toEqual([1]);
      expect(await statesOf(store)).toMatchObject({
        2: 'waiting',
        3: 'dead',
        4: 'deferred',
        5: 'cancelled',
        7: 'blocked',
      });
      await expectAgreement(store);
    });

    test('what one step puts and lets wait it claims as well', async () => {
      const { store } = await opened();
      const alice = await holding(
        store,
        row(1, { state: 'running', key: 'a' }),
        row(2, { state: 'blocked', key: 'a' }),
      );
      const { claimed } = await advanced(store, alice, {
        at: 1000,
        put: [row(3)],
        remove: [1],
        unblock: ['a'],
        claim: 9,
      });
      expect(positionsOf(claimed)).toEqual([2, 3]);
    });

    test('when the clock jumped back, what was put in its future is due: an hour of waiting harms more', async () => {
      const { store } = await opened();
      const hour = 3_600_000;
      const alice = await holding(
        store,
        row(1, { at: hour + 30, delayMs: 5 }),
        row(2, { at: hour + 20, delayMs: 60_000 }),
        row(3, { at: 0, delayMs: 100 }),
        row(4, { at: 10, delayMs: 999 }),
        row(5, { at: hour + 20, delayMs: 1 }),
      );
      const first = await advanced(store, alice, { at: 100, claim: 3 });
      expect(positionsOf(first.claimed)).toEqual([3, 2, 5]);
      const second = await advanced(store, first.record, { at: 100, claim: 3 });
      expect(positionsOf(second.claimed)).toEqual([1]);
      expect(second.record).toMatchObject({ rows: { waiting: 1 }, due: 1009 });
    });

    test('a row is not due before its time because it was put at this very moment', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1, { at: 1000, delayMs: 60_000 }));
      expect((await advanced(store, alice, { at: 1000, claim: 9 })).claimed).toEqual([]);
      expect((await advanced(store, alice, { at: 999, claim: 9 })).claimed).toHaveLength(1);
    });

    test('handlers do not claim each other\u2019s', async () => {
      const { store } = await opened();
      await holding(store, row(1));
      const audit = await leased(store, { handler: 'audit' });
      await advanced(store, audit, { put: [row(1, { handler: 'audit' }), row(2, { handler: 'audit' })] });
      const { claimed } = await advanced(store, audit, { claim: 9 });
      expect(claimed.map(({ handler, position }) => [handler, position])).toEqual([
        ['audit', 1],
        ['audit', 2],
      ]);
      await expectAgreement(store);
    });

    test('however many claim at once, no row is claimed twice', async () => {
      const { device, store } = await opened();
      const stores = [store, await device.open(), await device.open(), await device.open()];
      const rows = Array.from({ length: 60 }, (_, index) => row(index + 1, { at: 1000 - (index % 7) }));
      const alice = await holding(store, ...rows);
      const claimed: TaskRow[] = [];
      await Promise.all(
        stores.map(async (tab) => {
          for (;;) {
            const answer = await advanced(tab, alice, { claim: 4 });
            claimed.push(...answer.claimed);
            if (answer.claimed.length === 0) return;
          }
        }),
      );
      expect(positionsOf(claimed).toSorted((one, other) => one - other)).toEqual(positionsOf(rows));
      expect((await rowsOf(store)).map(({ state, attempts }) => [state, attempts])).toEqual(
        rows.map(() => ['running', 2]),
      );
      await expectAgreement(store);
    });

    test('while tabs steal the handler from each other, every row is run under one lease', async () => {
      const { device, store } = await opened();
      const stores = [store, await device.open(), await device.open()];
      const alice = await holding(store, ...Array.from({ length: 40 }, (_, index) => row(index + 1)));
      await advanced(store, alice, { release: true });
      const ran: (readonly [position: number, term: number])[] = [];
      await Promise.all(
        stores.map(async (tab, index) => {
          for (let turn = 0; turn < 60; turn += 1) {
            const seen = (await tab.handlers())[0] ?? alice;
            const { term, beat } = seen;
            const mine = await leased(tab, { tab: `tab-${index}`, over: { term, beat } });
            if (mine.owner !== `tab-${index}`) continue;
            const answer = await tab.advance(step(mine, { claim: 3 }));
            if (answer === 'fenced') continue;
            ran.push(...answer.claimed.map(({ position }) => [position, mine.term] as const));
            await tab.advance(step(mine, { remove: positionsOf(answer.claimed) }));
          }
        }),
      );
      // Under one term a row is claimed once; what a fenced tab could not end still runs, and is nobody else's to claim.
      expect(new Set(ran.map(([position]) => position)).size).toBe(ran.length);
      expect(ran).toHaveLength(40);
      for (const { state } of await rowsOf(store)) expect(state).toBe('running');
      await expectAgreement(store);
    });
  });
}
