// The contract of durable handlers: many of them at once, each as if it were alone.
import { describe, expect, test } from 'vitest';
import type { HandlerRecord, TaskStore } from '../../ports/tasks.ts';
import {
  advanced,
  expectAgreement,
  leased,
  positionsOf,
  recordOf,
  row,
  rowsOf,
  step,
  unstorable,
  type OpenTasks,
} from './device.ts';

const names = Array.from({ length: 40 }, (_, index) => `handler ${String(index).padStart(2, '0')}`);

/** What is asked for in one tick. */
export function beside(opened: OpenTasks): void {
  describe('many at once', () => {
    test('each has its own lease, its own rows and its own counts', async () => {
      const { store } = await opened();
      const records = await leasedAll(store);
      expect(records).toMatchObject(names.map((name) => ({ name, owner: 'alice', term: 1 })));
      const answers = await Promise.all(
        records.map((record, n) =>
          advanced(store, record, {
            claimed: 10 + n,
            put: [row(1, { handler: record.name }), row(2, { handler: record.name, state: 'dead' })],
            claim: n % 2,
            totals: { passed: n, handled: 0, failed: 0, dropped: {} },
          }),
        ),
      );
      expect(answers).toMatchObject(
        names.map((name, n) => ({
          claimed: n % 2 === 0 ? [] : [{ handler: name, position: 1, attempts: 2 }],
          record: { name, claimed: 10 + n, beat: 1, totals: { passed: n } },
        })),
      );
      expect(await store.handlers()).toEqual(answers.map(({ record }) => record));
      await expectAgreement(store);
      await Promise.all(answers.map(({ record }) => advanced(store, record, { remove: [1], release: true })));
      expect(positionsOf(await rowsOf(store))).toEqual(names.map(() => 2));
      expect((await store.handlers()).map(({ owner, beat }) => [owner, beat])).toEqual(names.map(() => [null, 2]));
    });

    test('one that cannot be stored fails alone, and by its own name', async () => {
      const { store } = await opened();
      const records = await leasedAll(store);
      const settled = await Promise.allSettled(
        records.map((record, n) =>
          store.advance(
            step(record, {
              put: [n === 17 || n === 30 ? unstorable(1, { handler: record.name }) : row(1, { handler: record.name })],
              totals: { passed: 1, handled: 0, failed: 0, dropped: {} },
            }),
          ),
        ),
      );
      const failed = names.flatMap((name, n) => (settled[n]?.status === 'rejected' ? [name] : []));
      expect(failed).toEqual(['handler 17', 'handler 30']);
      expect(settled[17]).toMatchObject({ reason: { name: 'StorageFailed' } });
      expect(await store.handlers()).toMatchObject(
        names.map((name) => (failed.includes(name) ? { name, beat: 0, totals: { passed: 0 } } : { name, beat: 1 })),
      );
      expect((await rowsOf(store)).map(({ handler }) => handler)).toEqual(
        names.filter((name) => !failed.includes(name)),
      );
      await expectAgreement(store);
    });

    test('who was taken over is fenced, and those beside it are not', async () => {
      const { device, store } = await opened();
      const records = await leasedAll(store);
      const other = await device.open();
      const seen = await recordOf(store, 'handler 05');
      await leased(other, { handler: seen.name, tab: 'bob', over: { term: seen.term, beat: seen.beat } });
      const answers = await Promise.all(records.map((record) => store.advance(step(record, { claimed: 9 }))));
      expect(names.filter((_, n) => answers[n] === 'fenced')).toEqual(['handler 05']);
      expect(await recordOf(store, 'handler 05')).toMatchObject({ owner: 'bob', claimed: 0, beat: seen.beat });
    });

    test('two tabs that ask at once for the same handlers share them out, each to one', async () => {
      const { device, store } = await opened();
      const other = await device.open();
      const [alices, bobs] = await Promise.all([leasedAll(store, 'alice'), leasedAll(other, 'bob')]);
      expect(alices.map(({ owner }) => owner)).toEqual(bobs.map(({ owner }) => owner));
      expect(new Set(alices.map(({ term }) => term))).toEqual(new Set([1]));
    });

    test('steps of one handler come one after the other, and so do its lease and its step', async () => {
      const { store } = await opened();
      const alice = await leased(store);
      const answers = await Promise.all([
        ...[1, 2, 3].map((position) => advanced(store, alice, { put: [row(position)], claim: 1 })),
        leased(store, { at: 7000 }),
        advanced(store, alice, { put: [row(4)], totals: { passed: 4, handled: 0, failed: 0, dropped: {} } }),
      ]);
      expect(answers.slice(0, 3)).toMatchObject([1, 2, 3].map((position) => ({ claimed: [{ position }] })));
      expect(await recordOf(store)).toMatchObject({
        beat: 4,
        rows: { running: 3, waiting: 1 },
        totals: { passed: 4 },
      });
      await expectAgreement(store);
    });

    test('large steps beside each other are all kept', async () => {
      const { store } = await opened();
      const records = (await leasedAll(store)).slice(0, 4);
      await Promise.all(
        records.map((record) =>
          advanced(store, record, {
            put: Array.from({ length: 400 }, (_, n) => row(n + 1, { handler: record.name })),
          }),
        ),
      );
      const claims = await Promise.all(records.map((record) => advanced(store, record, { claim: 512 })));
      expect(claims.map(({ claimed }) => claimed.length)).toEqual([400, 400, 400, 400]);
      expect(await store.handlers()).toMatchObject(names.map((_, n) => ({ rows: { running: n < 4 ? 400 : 0 } })));
    });
  });
}

function leasedAll(store: TaskStore, tab = 'alice'): Promise<readonly HandlerRecord[]> {
  return Promise.all(names.map((handler) => leased(store, { handler, tab })));
}
