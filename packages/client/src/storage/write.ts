// One transaction that writes, all or nothing: acknowledged when it has completed.
import { unwrap, type IDBPTransaction, type StoreKey, type StoreNames, type StoreValue } from 'idb';
import type { Database, Schema } from './schema.ts';

/** Whether a commit waits for the operating system (`relaxed`) or for the disk (`strict`). */
export type Durability = 'relaxed' | 'strict';

/** A transaction that writes to these stores. */
export type Writing<Name extends StoreNames<Schema>> = IDBPTransaction<Schema, Name[], 'readwrite'>;

/** The stores of a transaction that only writes, as the browser has them: nobody waits for a request by itself. */
export type Stores<Name extends StoreNames<Schema>> = <One extends Name>(
  name: One,
) => {
  add(value: StoreValue<Schema, One>): IDBRequest<IDBValidKey>;
  put(value: StoreValue<Schema, One>): IDBRequest<IDBValidKey>;
  delete(key: StoreKey<Schema, One>): IDBRequest<undefined>;
};

/**
 * Only writes: every request at once, then the commit, so that it never waits for this thread again. Answers what `requests`
 * answers, once they have their results.
 *
 * @param requests makes the requests, in an order of which any beginning is valid: old Safari commits beginnings
 */
export function write<Name extends StoreNames<Schema>, Made>(
  database: Database,
  names: Name[],
  durability: Durability,
  requests: (store: Stores<Name>) => Made,
): Promise<Made> {
  return change(database, names, durability, async (transaction) => {
    const own = unwrap(transaction);
    const made = requests((name) => own.objectStore(name));
    own.commit();
    return made;
  });
}

/**
 * Reads and writes: `work` awaits nothing but the transaction's own requests. Answers what it answers once the transaction
 * has completed: at quota a request succeeds and its transaction then fails.
 */
export async function change<Name extends StoreNames<Schema>, Result>(
  database: Database,
  names: Name[],
  durability: Durability,
  work: (transaction: Writing<Name>) => Promise<Result>,
): Promise<Result> {
  const transaction = database.transaction(names, 'readwrite', { durability });
  const ended = Promise.withResolvers<void>();
  transaction.addEventListener('complete', () => ended.resolve());
  transaction.addEventListener('abort', () => ended.reject(new DOMException('it was aborted', 'AbortError')));
  transaction.done.catch(() => undefined);
  let failed: { readonly reason: unknown } | undefined;
  const working = attempt();
  working.catch(() => undefined);
  try {
    // Its end, and not its requests: at its quota Chromium aborts a transaction and answers none of them any more, so that
    // whoever waited for the work would wait for ever.
    await ended.promise;
    return await working;
  } catch (error) {
    // The transaction knows why it failed, and if it was aborted here, the work does; everything else was just aborted.
    throw transaction.error ?? (failed === undefined ? error : failed.reason);
  }

  async function attempt(): Promise<Result> {
    try {
      return await work(transaction);
    } catch (reason) {
      failed = { reason };
      abort();
      throw reason;
    }
  }

  /** A request that cannot even be made (its value cannot be cloned) takes those before it along. */
  function abort(): void {
    try {
      transaction.abort();
    } catch {
      // It has ended already, of itself.
    }
  }
}

/** A request whose failure the transaction tells as well: nobody need listen to both. */
export function heard<Value>(request: Promise<Value>): Promise<Value> {
  request.catch(() => undefined);
  return request;
}
