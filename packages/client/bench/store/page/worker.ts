// The worker that ships with the client, but that it tells how long the engine took, and writes records by itself when asked.
import { expose, wrap } from 'comlink';
import { openDB, type IDBPDatabase } from 'idb';
import type { PageSide } from '../../../src/worker/border.ts';
import { serveEngine } from '../../../src/worker/serve.ts';
import { eventsOf } from '../orders.ts';
import { wire, type Ask, type Told } from './wire.ts';

const channel = new BroadcastChannel(wire);
const tell = (told: Told): void => channel.postMessage(told);

const served = serveEngine(globalThis, wrap<PageSide>(globalThis));
expose(
  {
    ...served,
    async record(drafts) {
      const begun = performance.now();
      const outcome = await served.record(drafts);
      tell({ told: 'engine', ms: performance.now() - begun });
      return outcome;
    },
  } satisfies typeof served,
  globalThis,
);

let database: Promise<IDBPDatabase> | undefined;

channel.addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  database ??= openDB('godwit-bench-raw', 1, {
    upgrade: (opened) => void opened.createObjectStore('events', { autoIncrement: true }),
  });
  void database.then(async (opened) => tell({ told: 'raw', ms: await write(opened, eventsOf(data.ask)) }));
});

/** As idb's documentation says it: all requests at once, and the transaction's end awaited with them. */
async function write(opened: IDBPDatabase, events: readonly object[]): Promise<number> {
  const begun = performance.now();
  // As the client's own transactions are.
  const transaction = opened.transaction('events', 'readwrite', { durability: 'relaxed' });
  await Promise.all([...events.map((event) => transaction.store.put(event)), transaction.done]);
  return performance.now() - begun;
}
