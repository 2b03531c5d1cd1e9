// The contract of durable handlers: what one step keeps.
import { describe, expect, test } from 'vitest';
import type { FailureJson } from '../../failure.ts';
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
  unstorable,
  type OpenTasks,
} from './device.ts';

/** Steps without keys. */
export function advancing(opened: OpenTasks): void {
  describe('advance', () => {
    test('the cursor, what is claimed and what has ended are kept as they are said', async () => {
      const { store } = await opened();
      const alice = await leased(store);
      const { record } = await advanced(store, alice, { cursor: 1024, claimed: 2050, ended: [1030, 2048] });
      expect(record).toMatchObject({ cursor: 1024, claimed: 2050, ended: [1030, 2048], owner: 'alice' });
      expect(await recordOf(store)).toEqual(record);
      const next = (await advanced(store, record, { cursor: 2050, ended: [] })).record;
      expect(next).toMatchObject({ cursor: 2050, claimed: 2050, ended: [] });
      expect(next.beat).toBeGreaterThan(record.beat);
      expect(next.term).toBe(alice.term);
    });

    test('totals add up', async () => {
      const { store } = await opened();
      const first = await advanced(store, await leased(store), {
        totals: { passed: 9, handled: 3, failed: 1, dropped: { skipped: 2, overflow: 1 } },
      });
      await advanced(store, first.record, {
        totals: { passed: -1, handled: 1, failed: 0, dropped: { skipped: 1, discarded: 4 } },
      });
      expect((await recordOf(store)).totals).toEqual({
        passed: 8,
        handled: 4,
        failed: 1,
        dropped: { skipped: 3, overflow: 1, discarded: 4 },
      });
    });

    test('of many rows those that ended go, side by side or between others, and those alone', async () => {
      const { store } = await opened();
      const states = ['running', 'waiting', 'dead', 'running', 'deferred'] as const;
      const rows = Array.from({ length: 60 }, (_, index) => row(index + 1, { state: states[index % 5] ?? 'dead' }));
      const alice = await holding(store, ...rows);
      const audit = await leased(store, { handler: 'audit' });
      await advanced(store, audit, { put: [row(2, { handler: 'audit' })] });
      const gone = [1, 2, 3, 4, 12, 14, 59, 60, 61, 700];
      const { record } = await advanced(store, alice, { remove: gone });
      const left = rows.filter(({ position }) => !gone.includes(position)).map(({ position }) => position);
      expect(positionsOf(await rowsOf(store, { handler: receipts }))).toEqual(left);
      const { record: last } = await advanced(store, record, { remove: left.filter((position) => position % 3 > 0) });
      expect(positionsOf(await rowsOf(store, { handler: receipts }))).toEqual(
        left.filter((position) => position % 3 === 0),
      );
      await expectAgreement(store);
      await advanced(store, last, { remove: left });
      expect(await rowsOf(store, { handler: receipts })).toEqual([]);
      expect(positionsOf(await rowsOf(store, { handler: 'audit' }))).toEqual([2]);
      await expectAgreement(store);
    });

    test('rows are read back as they were put', async () => {
      const { store } = await opened();
      const failure: FailureJson = { name: 'HandlerFailed', message: 'no', retryAfterMs: 5, path: 'a[1]' };
      const rows = [
        row(1024, { offset: 'e1.07', attempts: 3, key: 'cart-7', at: 1234.5, delayMs: 777, failure }),
        row(1025, { state: 'dead', attempts: 5, channel: '__proto__', key: '' }),
        row(1026, {
          state: 'deferred',
          attempts: 0,
          event: { ...row(1).event, sequence: '07', dataschemaversion: '9' },
        }),
        row(4 * 1024 ** 3, { state: 'running', key: '\ud800' }),
        row(8 * 1024 ** 3, {
          state: 'blocked',
          key: '\ud800',
          event: { ...row(2).event, data: ['\u0000', null, 'é'] },
        }),
        row(9 * 1024 ** 3, { state: 'cancelled' }),
      ];
      await holding(store, ...rows);
      expect(await rowsOf(store)).toEqual(rows);
      await expectAgreement(store);
    });

    test('a row that is put again is replaced, and counted as what it is now', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1, { delayMs: 50 }), row(2, { delayMs: 90 }));
      expect(alice).toMatchObject({ rows: { waiting: 2 }, due: 1050 });
      const { record } = await advanced(store, alice, { put: [row(1, { state: 'dead', attempts: 5 })] });
      expect(record).toMatchObject({ rows: { waiting: 1, dead: 1 }, due: 1090 });
      await advanced(store, record, { put: [row(2, { state: 'deferred' }), row(2, { state: 'dead' })] });
      expect(await statesOf(store)).toEqual({ 1: 'dead', 2: 'dead' });
      await expectAgreement(store);
    });

    test('rows that have ended go, also those of this very step, and what is not there is passed over', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1), row(2, { state: 'running' }), row(3, { state: 'dead' }));
      const { record } = await advanced(store, alice, { put: [row(4)], remove: [1, 2, 4, 4, 99] });
      expect(record).toMatchObject({ rows: { waiting: 0, running: 0, dead: 1 }, due: null });
      expect(await statesOf(store)).toEqual({ 3: 'dead' });
      await expectAgreement(store);
    });

    test('what the caller changes after a step, or in its answer, is not what is stored', async () => {
      const { store } = await opened();
      const data = { text: 'before' };
      const before = { text: 'before' };
      const alice = await holding(store, row(1, { event: { ...row(1).event, data } }));
      data.text = 'after';
      expect((await rowsOf(store))[0]?.event.data).toEqual(before);
      const { claimed } = await advanced(store, alice, { claim: 1 });
      Object.assign(claimed[0]?.event.data ?? {}, { text: 'changed by a handler' });
      Object.assign((await rowsOf(store))[0]?.event.data ?? {}, { text: 'changed by a reader' });
      expect((await rowsOf(store))[0]?.event.data).toEqual(before);
    });

    test('a step of which one row cannot be stored changes nothing, and the next one goes on', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1), row(2, { state: 'dead' }), row(3, { key: 'a' }));
      const before = await everythingOf(store);
      const changes = { cursor: 99, claimed: 99, remove: [2], claim: 5, release: true } as const;
      const totals = { passed: 9, handled: 9, failed: 9, dropped: { skipped: 9 } };
      for (const bad of [
        step(alice, { ...changes, totals, put: [row(7), unstorable(8), row(9)] }),
        step(alice, { ...changes, totals, put: [row(7)], queue: [row(8, { key: 'a' }), unstorable(9, { key: 'a' })] }),
      ]) {
        await expect(store.advance(bad)).rejects.toMatchObject({ name: 'StorageFailed' });
        expect(await everythingOf(store)).toEqual(before);
      }
      await expect(store.cancelAhead(unstorable(100))).rejects.toMatchObject({ name: 'StorageFailed' });
      expect(await everythingOf(store)).toEqual(before);
      expect(positionsOf((await advanced(store, alice, { claim: 9 })).claimed)).toEqual([1, 3]);
    });

    test('a row that could never be found again is refused, and its step changes nothing', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1));
      const before = await everythingOf(store);
      for (const bad of [
        row(2, { delayMs: NaN }),
        row(2, { delayMs: -1 }),
        row(2, { delayMs: Infinity }),
        row(2, { at: NaN }),
        row(1.5),
        row(2, { handler: 'another' }),
      ]) {
        await expect(store.advance(step(alice, { put: [row(5), bad], claim: 1 }))).rejects.toMatchObject({
          name: 'Internal',
          message: expect.stringContaining(receipts),
        });
        await expect(store.advance(step(alice, { queue: [bad], remove: [1] }))).rejects.toMatchObject({
          name: 'Internal',
        });
      }
      expect(await everythingOf(store)).toEqual(before);
    });

    test('of steps that are not awaited each is kept, in order', async () => {
      const { store } = await opened();
      const alice = await leased(store);
      const totals = { passed: 1, handled: 1, failed: 0, dropped: {} };
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          store.advance(step(alice, { cursor: index, put: [row(index)], totals })),
        ),
      );
      expect(answers.map((answer) => answer !== 'fenced' && answer.record.totals.handled)).toEqual(
        Array.from({ length: 30 }, (_, index) => index + 1),
      );
      expect(await recordOf(store)).toMatchObject({ cursor: 29, rows: { waiting: 30 }, totals: { passed: 30 } });
    });
  });
}
