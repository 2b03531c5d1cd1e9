// One write-only transaction: every request at once, then the commit, so that it never waits for this thread again.
import type { IDBPTransaction, StoreNames } from 'idb';
import { nameOf } from './failures.ts';
import type { Database, Schema } from './schema.ts';

/** Whether a commit waits for the operating system (`relaxed`) or for the disk (`strict`). */
export type Durability = 'relaxed' | 'strict';

/**
 * Writes to `names`, all or nothing, and answers the requests' results once the transaction has completed: at quota a
 * request succeeds and its transaction then fails.
 *
 * @param requests makes the requests, in an order of which any beginning is valid: old Safari commits beginnings
 */
export async function write<Name extends StoreNames<Schema>, Result>(
  database: Database,
  names: Name[],
  durability: Durability,
  requests: (transaction: IDBPTransaction<Schema, Name[], 'readwrite'>) => readonly (() => Promise<Result>)[],
): Promise<readonly Result[]> {
  const transaction = database.transaction(names, 'readwrite', { durability });
  const made: Promise<Result>[] = [];
  try {
    for (const request of requests(transaction)) made.push(request());
    transaction.commit();
  } catch (error) {
    // A request that cannot even be made (its value cannot be cloned) takes those before it along.
    transaction.abort();
    await Promise.allSettled([...made, transaction.done]);
    throw error;
  }
  const [done, results] = await Promise.allSettled([transaction.done, Promise.all(made)]);
  if (done.status === 'rejected' || results.status === 'rejected') {
    // A request that failed knows why, and so does the transaction in the end; everything else was just aborted.
    const reasons = [results, done].flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    throw (
      [...reasons, transaction.error].find((reason) => reason !== null && nameOf(reason) !== 'AbortError') ?? reasons[0]
    );
  }
  return results.value;
}
