// The store contract: the log and the outbox, read in pieces.
import { describe, expect, test } from 'vitest';
import { type LogEntry, type Position } from '../../ports/store.ts';
import { allOf, event, eventsOf, own, page, type OpenStore } from './device.ts';

/** Reading. */
export function reading(opened: OpenStore): void {
  describe('read and own', () => {
    test('reading in runs of any length shows every entry once, in order', async () => {
      const { store } = await opened();
      await store.record([own('room', [event('1'), event('2'), event('3')])]);
      await store.merge(page('hall', 'latest', 'o1', []));
      await store.merge({ ...page('hall', 'o1', 'o3', ['4', '5']), gap: { missed: 2, reason: 'retention' } });
      await store.merge(page('hall', 'o3', 'o4', []));
      await store.record([own('hall', [event('6')])]);
      const whole = (await store.read(0, 100)).entries;
      expect(whole).toHaveLength(7);
      for (let limit = 1; limit <= 8; limit += 1) {
        const entries: LogEntry[] = [];
        let after: Position = 0;
        for (let isDone = false; !isDone;) {
          const run = await store.read(after, limit);
          expect(run.entries.length).toBeLessThanOrEqual(limit);
          expect(run.entries.length > 0 || run.atHead).toBe(true);
          entries.push(...run.entries);
          after = run.next;
          isDone = run.atHead;
        }
        expect(entries).toEqual(whole);
      }
      for (const entry of whole) {
        expect((await store.read(entry.position, 100)).entries).toEqual(whole.slice(whole.indexOf(entry) + 1));
      }
    });

    test('the outbox is paged by its positions, and holds no event of others or of other channels', async () => {
      const { store } = await opened();
      await store.record([own('room', [event('1'), event('2'), event('3')]), own('hall', [event('h')])]);
      await store.merge(page('room', 'latest', 'o1', ['theirs']));
      await store.record([{ ...own('room', [event('private')]), outbound: false }]);
      await store.record([own('room', [event('4'), event('5')])]);
      const whole = await store.own('room', 0, 100);
      expect(whole.map(({ event }) => event.id)).toEqual(['1', '2', '3', '4', '5']);
      for (let limit = 1; limit <= 6; limit += 1) {
        const paged: (typeof whole)[number][] = [];
        for (;;) {
          const some = await store.own('room', paged.at(-1)?.position ?? 0, limit);
          expect(some.length).toBeLessThanOrEqual(limit);
          if (some.length === 0) break;
          paged.push(...some);
        }
        expect(paged).toEqual(whole);
      }
      expect(await store.own('nowhere', 0, 10)).toEqual([]);
    });

    test('a log of many small and some large segments is read to its end', async () => {
      const { store } = await opened();
      const large = 'x'.repeat(200_000);
      for (let index = 0; index < 40; index += 1) {
        await store.record([own('room', [event(`${index}`, index % 4 === 0 ? large : 'small')])]);
      }
      expect(await allOf(store)).toEqual(Array.from({ length: 40 }, (_, index) => `${index}`));
      const sent: string[] = [];
      for (let after: Position = 0; ;) {
        const some = await store.own('room', after, 100);
        const last = some.at(-1);
        if (last === undefined) break;
        sent.push(...some.map(({ event }) => event.id));
        after = last.position;
      }
      expect(sent).toEqual(Array.from({ length: 40 }, (_, index) => `${index}`));
    });

    test('ids and payloads of any characters come back as they were', async () => {
      const { store } = await opened();
      const hostile = [
        '__proto__',
        '\u0000',
        '\ud800',
        '\udfff\ud800',
        '\ufeff',
        '\r\n\r\n',
        ' ',
        "'; drop table log",
        '\u2028',
      ];
      const events = hostile.map((text) => event(text, { text, [text]: text }));
      await store.record([own('room', events)]);
      await store.merge({
        ...page('room', '', '\u0000', hostile),
        events: hostile.map((id) => ({ event: event(id), offset: id, echo: false })),
      });
      expect(eventsOf(await store.read(0, 9))).toEqual(events);
      const { entries } = await store.read(0, 100);
      expect(entries.slice(9).map((entry) => entry.kind === 'event' && entry.offset)).toEqual(hostile);
    });
  });
}
