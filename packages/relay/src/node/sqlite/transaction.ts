// Work on the relay's file: what goes wrong is a failure that says what to do, and a transaction is done whole or not at all.
import type { DatabaseSync } from 'node:sqlite';
import { storageFailure } from './database.ts';

/**
 * Does what it is told.
 *
 * @param tried what it was for, without the file's path: whoever posts is told this too
 * @throws Failure `StorageFailed`
 */
export function attempt<Result>(tried: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw storageFailure(error, tried);
  }
}

/** Does it within a transaction. */
export type Transact = <Result>(tried: string, work: () => Result) => Result;

/** Makes a file's transactions. Their statements are prepared once: to prepare two for each commit costs as much as to insert a row. */
export function prepareTransactions(database: DatabaseSync): Transact {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const end = database.prepare('COMMIT');
  return (tried, work) =>
    attempt(tried, () => {
      begin.run();
      try {
        const result = work();
        end.run();
        return result;
      } catch (error) {
        // A full disk may have rolled it back already.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
}
