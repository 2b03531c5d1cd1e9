// A worker that stores a group of events as one record by idb alone, and tells another worker, which reads it.
import { openDB } from 'idb';
import type { RawAsk } from './wire.ts';

const database = openDB('godwit-bench-raw', 1, {
  upgrade: (opened) => void opened.createObjectStore('log', { autoIncrement: true }),
});
const channel = new BroadcastChannel('godwit-bench-raw');

channel.addEventListener('message', ({ data }: MessageEvent<IDBValidKey>) => void read(data));
addEventListener('message', ({ data }: MessageEvent<RawAsk>) => void store(data));

async function store({ texts, isTold }: RawAsk): Promise<void> {
  const transaction = (await database).transaction('log', 'readwrite', { durability: 'relaxed' });
  const [key] = await Promise.all([transaction.store.add({ events: texts }), transaction.done]);
  if (isTold) channel.postMessage(key);
  postMessage('stored');
}

async function read(key: IDBValidKey): Promise<void> {
  postMessage(await (await database).get('log', key));
}
