// Trimming in IndexedDB: the log's oldest segments, as headers and whole.
import type { TrimTable } from '@godwit/core';
import { recordsOf } from './tasks.ts';
import { markOf, numbered } from './state.ts';
import { heard, type Writing } from './write.ts';

/** The stores that a step of trimming reads and writes. */
export const trimStores: ('log' | 'cursors' | 'handlers' | 'meta')[] = ['log', 'cursors', 'handlers', 'meta'];

/** The table within one transaction. */
export function idbTrim(transaction: Writing<(typeof trimStores)[number]>): TrimTable {
  const log = transaction.objectStore('log');
  const handlers = transaction.objectStore('handlers');
  const meta = transaction.objectStore('meta');
  return {
    mark: async () => markOf(await heard(meta.get('trim'))),
    records: async () => recordsOf(await heard(handlers.getAll())),
    segments: async (from, limit) => (await heard(log.getAll(IDBKeyRange.lowerBound(from), limit))).map(numbered),
    sent: async (channel) => (await heard(transaction.objectStore('cursors').get(`sent:${channel}`)))?.position ?? 0,
    putMark: (mark) => heard(meta.put({ name: 'trim', v: 1, mark })),
    putRecord: (record) => heard(handlers.put({ v: 1, record })),
    remove: (segments) => segments.map(({ segment }) => heard(log.delete(segment))),
  };
}
