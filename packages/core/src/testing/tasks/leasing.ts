// The contract of durable handlers: who owns one, and what a step of anyone else does.
import { describe, expect, test } from 'vitest';
import type { LeaseRequest } from '../../ports/tasks.ts';
import { advanced, everythingOf, holding, leased, receipts, recordOf, row, step, type OpenTasks } from './device.ts';

/** Leases, and the fence. */
export function leasing(opened: OpenTasks): void {
  describe('lease', () => {
    test('a handler that was never defined begins where it is told, and is not made without that', async () => {
      const { store } = await opened();
      expect(await store.lease({ handler: receipts, tab: 'alice', at: 500 })).toBeNull();
      expect(await store.handlers()).toEqual([]);
      const record = await store.lease({ handler: receipts, tab: 'alice', at: 500, start: 4096 });
      expect(record).toMatchObject({ name: receipts, cursor: 4096, claimed: 4096, ended: [], owner: 'alice' });
      expect(record).toMatchObject({
        definedAt: 500,
        due: null,
        rows: { waiting: 0, blocked: 0, running: 0, dead: 0, deferred: 0, cancelled: 0 },
        totals: { passed: 0, handled: 0, failed: 0, dropped: {} },
      });
      expect(await store.handlers()).toEqual([record]);
    });

    test('where it began counts once: a later start moves nothing', async () => {
      const { store } = await opened();
      await leased(store, { start: 100 });
      expect(await leased(store, { start: 9000 })).toMatchObject({ cursor: 100, claimed: 100 });
    });

    test('another tab hears whose it is, and gets nothing', async () => {
      const { device, store } = await opened();
      const alice = await leased(store);
      const bob = await device.open();
      expect(await leased(bob, { tab: 'bob', at: 900 })).toEqual(alice);
      expect(await recordOf(bob)).toEqual(alice);
    });

    test('the owner may ask again: its term and its rows stay, and it is known when it was last defined', async () => {
      const { store } = await opened();
      const record = await holding(store, row(1));
      expect(await leased(store, { at: 7000 })).toEqual({ ...record, definedAt: 7000 });
      expect(await advanced(store, record, { at: 7500 })).toMatchObject({ record: { definedAt: 7500 } });
    });

    test('a handler that was let go is the next one\u2019s, with a higher term', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1));
      const { record } = await advanced(store, alice, { release: true });
      expect(record.owner).toBeNull();
      const bob = await leased(store, { tab: 'bob', at: 900 });
      expect(bob).toMatchObject({ owner: 'bob', definedAt: 900, cursor: alice.cursor, rows: { waiting: 1 } });
      expect(bob.term).toBeGreaterThan(alice.term);
    });

    test('a lease is taken over only as it was seen', async () => {
      const { store } = await opened();
      const seen = await leased(store);
      const moved = (await advanced(store, seen)).record;
      expect(moved.beat).toBeGreaterThan(seen.beat);
      const ask = (over: LeaseRequest['over']): ReturnType<typeof leased> =>
        leased(store, { tab: 'bob', ...(over === undefined ? {} : { over }) });
      expect(await ask({ term: seen.term, beat: seen.beat })).toMatchObject({ owner: 'alice', term: seen.term });
      expect(await ask({ term: seen.term + 1, beat: moved.beat })).toMatchObject({ owner: 'alice' });
      expect(await ask({ term: seen.term, beat: moved.beat })).toMatchObject({ owner: 'bob', term: seen.term + 1 });
      expect(await leased(store, { tab: 'alice' })).toMatchObject({ owner: 'bob' });
    });

    test('handlers are leased each for itself, and listed by name', async () => {
      const { store } = await opened();
      const names = ['send-receipt', 'audit', '__proto__', 'constructor', 'audit-2', "o'hara; --", '\u0000', '\ud800'];
      for (const name of names) await leased(store, { handler: name, tab: `tab of ${name}` });
      const records = await store.handlers();
      expect(records.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
      expect(records.map(({ name, owner }) => owner === `tab of ${name}`)).not.toContain(false);
      const plain = records.map(({ name }) => name).filter((name) => /^[a-z2-]+$/.test(name));
      expect(plain).toEqual(['audit', 'audit-2', 'constructor', 'send-receipt']);
    });

    test('of tabs that ask at once one gets it, and all hear of the same', async () => {
      const { device, store } = await opened();
      const tabs = [store, await device.open(), await device.open(), await device.open()];
      for (let round = 0; round < 10; round += 1) {
        const handler = `handler-${round}`;
        const records = await Promise.all(tabs.map((tab, index) => leased(tab, { handler, tab: `tab-${index}` })));
        expect(new Set(records.map(({ owner }) => owner)).size).toBe(1);
        expect(new Set(records.map(({ term }) => term)).size).toBe(1);
      }
    });

    test('of tabs that take over at once one gets it', async () => {
      const { device, store } = await opened();
      const tabs = [store, await device.open(), await device.open(), await device.open()];
      let { term, beat } = await leased(store, { tab: 'frozen' });
      for (let round = 0; round < 10; round += 1) {
        const over = { term, beat };
        const records = await Promise.all(
          tabs.map((tab, index) => leased(tab, { tab: `tab-${round}-${index}`, over })),
        );
        expect(new Set(records.map(({ owner }) => owner)).size).toBe(1);
        expect(new Set(records.map((record) => record.term))).toEqual(new Set([term + 1]));
        ({ term, beat } = await recordOf(store));
      }
    });
  });

  describe('the fence', () => {
    test('a step of an old term changes nothing', async () => {
      const { device, store } = await opened();
      const alice = await holding(store, row(1), row(2, { state: 'dead' }));
      const { term, beat } = alice;
      await leased(await device.open(), { tab: 'bob', over: { term, beat } });
      const before = await everythingOf(store);
      const late = step(alice, {
        cursor: 99,
        claimed: 99,
        ended: [77],
        put: [row(3)],
        remove: [2],
        claim: 9,
        totals: { passed: 5, handled: 5, failed: 0, dropped: { skipped: 1 } },
        release: true,
      });
      expect(await store.advance(late)).toBe('fenced');
      expect(await everythingOf(store)).toEqual(before);
    });

    test('a step of a handler that is not there, of a term to come, or after letting go changes nothing', async () => {
      const { store } = await opened();
      const alice = await holding(store, row(1));
      expect(await store.advance(step({ ...alice, name: 'unheard-of' }, { put: [] }))).toBe('fenced');
      expect(await store.advance(step({ ...alice, term: alice.term + 1 }, { put: [row(3)] }))).toBe('fenced');
      await advanced(store, alice, { release: true });
      const before = await everythingOf(store);
      expect(await store.advance(step(alice, { put: [row(3)], claim: 1 }))).toBe('fenced');
      expect(await everythingOf(store)).toEqual(before);
    });

    test('of a step and the take-over of what was seen before it, one happens', async () => {
      const { device, store } = await opened();
      const other = await device.open();
      let seen = await leased(store, { tab: 'tab-0' });
      for (let round = 1; round <= 20; round += 1) {
        const [owner, thief] = round % 2 === 0 ? [store, other] : [other, store];
        const { term, beat } = seen;
        const tab = `tab-${round}`;
        const work = (): Promise<unknown> => owner.advance(step(seen, { put: [row(round)] }));
        const theft = (): Promise<unknown> => leased(thief, { tab, over: { term, beat } });
        await Promise.all(round % 3 === 0 ? [theft(), work()] : [work(), theft()]);
        const now = await recordOf(store);
        const isStolen = now.owner === tab;
        expect(now.rows.waiting).toBe(seen.rows.waiting + (isStolen ? 0 : 1));
        expect(now.term).toBe(isStolen ? term + 1 : term);
        seen = now;
      }
    });
  });
}
