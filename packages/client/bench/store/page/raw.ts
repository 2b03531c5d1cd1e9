// A worker that writes events by idb alone, each a record of its own.
import { openDB } from 'idb';
import { eventsOf } from '../orders.ts';
import type { Ask, Told } from './wire.ts';

const database = openDB('godwit-bench-raw', 1, {
  upgrade: (opened) => void opened.createObjectStore('events', { autoIncrement: true }),
});

addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  void write(eventsOf(data.ask)).then((ms) => postMessage({ ms } satisfies Told));
});

/** As idb's documentation has it: all requests at once, and the transaction's end awaited with them. */
async function write(events: readonly object[]): Promise<number> {
  const opened = await database;
  const begun = performance.now();
  // As durable as the client's own transactions are by default.
  const transaction = opened.transaction('events', 'readwrite', { durability: 'relaxed' });
  await Promise.all([...events.map((event) => transaction.store.put(event)), transaction.done]);
  return performance.now() - begun;
}
