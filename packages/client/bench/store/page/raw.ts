// A worker that writes events by idb alone, each a record of its own.
import { openDB } from 'idb';
import { eventsOf } from '../orders.ts';
import type { Ask, Told } from './wire.ts';

const database = openDB('godwit-bench-raw', 1, {
  upgrade(opened) {
    opened.createObjectStore('events', { autoIncrement: true });
    const rows = opened.createObjectStore('rows', { keyPath: ['row.handler', 'row.position'] });
    rows.createIndex('state', ['row.state', 'row.handler', 'row.position']);
    rows.createIndex('due', ['row.handler', 'due']);
    rows.createIndex('at', ['row.state', 'row.handler', 'row.at']);
  },
});

addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  const { ask } = data;
  const records =
    typeof ask === 'number' ? eventsOf(ask) : ask.map((row) => ({ v: 1, row, due: row.at + row.delayMs }));
  void write(typeof ask === 'number' ? 'events' : 'rows', records).then((ms) => postMessage({ ms } satisfies Told));
});

/** As idb's documentation has it: all requests at once, and the transaction's end awaited with them. */
async function write(store: string, records: readonly object[]): Promise<number> {
  const opened = await database;
  const begun = performance.now();
  // As durable as the client's own transactions are by default.
  const transaction = opened.transaction(store, 'readwrite', { durability: 'relaxed' });
  await Promise.all([...records.map((record) => transaction.store.put(record)), transaction.done]);
  return performance.now() - begun;
}
