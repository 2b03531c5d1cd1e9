// Everything that changes a device's store, on a device where there is something to change: what a crash test cuts off.
import type { OwnSegment } from '../ports/store.ts';
import type { DeviceStore, HandlerRecord } from '../ports/tasks.ts';
import { event } from './store/device.ts';
import { advanced, leased, row, step } from './tasks/device.ts';

/** A change: what it is, and how it is made on a store that was {@link filled}. */
export type StoreChange = readonly [
  what: string,
  make: (store: DeviceStore, record: HandlerRecord) => Promise<unknown>,
];

/** Every kind of change of which the store's law says that all of it happens, or nothing. */
export const storeChanges: readonly StoreChange[] = [
  ['recording a burst', (store) => store.record([local('a', 'b'), local('c')])],
  [
    'merging a page',
    (store) =>
      store.merge({
        channel: 'room',
        after: 'o1',
        last: 'o2',
        at: 1,
        bytes: 9,
        events: [{ event: event('theirs'), offset: 'o2', echo: false }],
        echo: 1024,
        recheckTo: 'o9',
      }),
  ],
  [
    'confirming what was sent',
    (store) =>
      store.confirm({
        channel: 'room',
        sent: 1024,
        rejected: [{ event: event('first'), failure: { name: 'InvalidEvent', message: 'no' } }],
      }),
  ],
  [
    'a step of a durable handler',
    (store, record) =>
      store.advance(
        step(record, {
          at: 1000,
          cursor: 1024,
          claimed: 2048,
          put: [row(7), row(8, { state: 'dead' })],
          remove: [1, 2, 5],
          unblock: ['alice'],
          claim: 2,
          totals: { passed: 3, handled: 2, failed: 1, dropped: { skipped: 1 } },
        }),
      ),
  ],
  ['running dead letters again', (store) => store.change({ states: ['dead'] }, 'retry', { at: 5000, limit: 100 })],
  [
    'trimming',
    (store) => store.trim({ ageMs: 0, eventsMax: 0, bytesMax: 0, segmentsMax: 100, now: 8 * 24 * 3_600_000 }),
  ],
];

/** Fills a store that is empty: with a log, a page, and a handler with rows in every state. Answers its record. */
export async function filled(store: DeviceStore): Promise<HandlerRecord> {
  await store.record([local('first')]);
  await store.merge({ channel: 'room', after: 'earliest', last: 'o1', at: 1, bytes: 0, events: [] });
  const record = await leased(store, { at: 1, start: 4096 });
  const rows = [
    row(1, { state: 'running' }),
    row(2, { state: 'running', key: 'alice' }),
    row(3, { state: 'blocked', key: 'alice' }),
    row(4, { state: 'dead' }),
    row(5, { state: 'deferred' }),
    row(6),
  ];
  return (await advanced(store, record, { at: 1, put: rows })).record;
}

/** All that a store knows and holds, of one that is not large: two that are equal hold the same. */
export async function contentsOf(store: DeviceStore): Promise<unknown> {
  return [await store.state(), await store.read(0, 100), await store.handlers(), await store.tasks({}, { limit: 100 })];
}

function local(...ids: readonly string[]): OwnSegment {
  return { channel: 'local', outbound: false, at: 1, bytes: 9, events: ids.map((id) => event(id)) };
}
