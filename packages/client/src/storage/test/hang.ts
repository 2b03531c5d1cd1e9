// Whoever hangs, or is frozen, within a transaction; and how a test hears that another has begun.
import { openDB } from 'idb';
import { onTestFinished, vi } from 'vitest';

/** Keeps a transaction open that writes to a store, until the answer is called. */
export async function hang(name: string, store: string): Promise<() => void> {
  const database = await openDB(name);
  const its = database.transaction(store, 'readwrite').objectStore(store);
  const over = new AbortController();
  const go = async (): Promise<void> => {
    while (!over.signal.aborted) await its.count();
    database.close();
  };
  await its.count();
  void go();
  onTestFinished(() => over.abort());
  return () => over.abort();
}

/** The next transaction of this kind. */
export function nextTransaction(isIt: (begun: IDBTransaction) => boolean): Promise<IDBTransaction> {
  const { promise, resolve } = Promise.withResolvers<IDBTransaction>();
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    if (isIt(begun)) resolve(begun);
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  return promise;
}
