// The contract of durable handlers: rows are read in pages.
import { describe, expect, test } from 'vitest';
import { taskStates, type TaskQuery, type TaskRow } from '../../ports/tasks.ts';
import { event } from '../store/device.ts';
import { advanced, leased, positionsOf, receipts, row, rowsOf, type OpenTasks } from './device.ts';

/** Pages and filters. */
export function paging(opened: OpenTasks): void {
  describe('tasks', () => {
    const all: readonly TaskRow[] = ['audit', receipts, 'zip'].flatMap((handler) =>
      Array.from({ length: 12 }, (_, index) =>
        row(1024 * (1 + (index % 4)) + index, {
          handler,
          state: taskStates[index % taskStates.length] ?? 'dead',
          key: `key-${index}`,
          event: { ...event(`${index}`), type: index % 2 === 0 ? 'order.paid' : 'order.sent' },
        }),
      ),
    );
    const filters: readonly (TaskQuery['states'] | undefined)[] = [
      undefined,
      ['dead'],
      ['dead', 'dead'],
      ['running', 'cancelled', 'waiting'],
      taskStates,
      [],
    ];
    const ordered = all.toSorted((one, other) =>
      one.handler === other.handler ? one.position - other.position : one.handler < other.handler ? -1 : 1,
    );

    async function filled(): ReturnType<OpenTasks> {
      const parts = await opened();
      for (const handler of ['zip', 'audit', receipts]) {
        const record = await leased(parts.store, { handler });
        await advanced(parts.store, record, { put: all.filter((each) => each.handler === handler) });
      }
      return parts;
    }

    test('pages of any size show every row once, by handler and position', async () => {
      const { store } = await filled();
      for (const limit of [1, 2, 3, 7, 35, 36, 37]) expect(await rowsOf(store, {}, limit)).toEqual(ordered);
    });

    test('every filter, alone and with others, shows what it asks for, in pages of any size', async () => {
      const { store } = await filled();
      for (const handler of [undefined, receipts, 'unheard-of']) {
        for (const type of [undefined, 'order.paid', 'unheard.of']) {
          for (const states of filters) {
            const query = {
              ...(handler === undefined ? {} : { handler }),
              ...(type === undefined ? {} : { type }),
              ...(states === undefined ? {} : { states }),
            };
            const expected = ordered.filter(
              (each) =>
                (handler === undefined || each.handler === handler) &&
                (type === undefined || each.event.type === type) &&
                (states === undefined || states.includes(each.state)),
            );
            for (const limit of [1, 5, 99]) expect(await rowsOf(store, query, limit)).toEqual(expected);
          }
        }
      }
    });

    test('one row is asked for by its handler and position', async () => {
      const { store } = await filled();
      const [, second] = ordered.filter(({ handler }) => handler === receipts);
      if (second === undefined) throw new Error('there is no second row');
      const { position, state } = second;
      expect(await rowsOf(store, { handler: receipts, position })).toEqual([second]);
      expect(await rowsOf(store, { handler: receipts, position, states: [state] })).toEqual([second]);
      expect(await rowsOf(store, { handler: receipts, position, type: second.event.type })).toEqual([second]);
      expect(await rowsOf(store, { handler: receipts, position: position + 100 })).toEqual([]);
      expect(await rowsOf(store, { handler: receipts, position, type: 'unheard.of' })).toEqual([]);
      expect(await rowsOf(store, { handler: 'unheard-of', position })).toEqual([]);
    });

    test('behind a place of another handler, or behind the one row that is asked for, is what comes after it', async () => {
      const { store } = await filled();
      const own = ordered.filter(({ handler }) => handler === receipts);
      const position = own[2]?.position ?? 0;
      const behind = (handler: string, query: TaskQuery): ReturnType<typeof store.tasks> =>
        store.tasks(query, { after: { handler, position }, limit: 99 });
      expect((await behind('audit', { handler: receipts })).tasks).toEqual(own);
      expect((await behind(receipts, { handler: receipts })).tasks).toEqual(own.slice(3));
      expect(await behind('zip', { handler: receipts })).toEqual({ tasks: [], next: null });
      expect(await behind(receipts, { handler: receipts, position })).toEqual({ tasks: [], next: null });
      expect(await behind('zip', { handler: receipts, states: ['dead'] })).toEqual({ tasks: [], next: null });
      expect(positionsOf((await behind(receipts, {})).tasks.slice(0, 9))).toEqual(positionsOf(own.slice(3)));
    });

    test('a page goes on behind a row that has gone meanwhile', async () => {
      const { store } = await filled();
      const first = await store.tasks({ handler: receipts }, { limit: 4 });
      if (first.next === null) throw new Error('there is no next page');
      await store.change({ handler: receipts }, 'discard', { at: 1, limit: 99 });
      const rest = await store.tasks({ handler: receipts }, { limit: 99, after: first.next });
      const expected = (await rowsOf(store, { handler: receipts })).filter(
        ({ position }) => position > (first.next?.position ?? 0),
      );
      expect(rest).toEqual({ tasks: expected, next: null });
      expect(positionsOf(rest.tasks)).not.toEqual([]);
    });

    test('a page of none holds none, and reading changes nothing', async () => {
      const { store } = await filled();
      const before = await store.handlers();
      expect((await store.tasks({}, { limit: 0 })).tasks).toEqual([]);
      expect((await store.change({}, 'discard', { at: 1, limit: 0 })).changed).toBe(0);
      await rowsOf(store);
      expect(await store.handlers()).toEqual(before);
    });
  });
}
