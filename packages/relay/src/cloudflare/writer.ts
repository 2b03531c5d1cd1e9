// Writes one change at a time, and says that it is kept only when it is on disk.
import { Failure, isFailure } from '@godwit/core';
import type { LogStorage } from './tables.ts';

/** Who writes to an object's storage. */
export interface Writer {
  /** Runs a job when those before it have ended, however they ended. */
  inTurn<Result>(job: () => Promise<Result>): Promise<Result>;
  /**
   * Runs a change as one transaction and waits until it is on disk. `seen` hears of it in between, when whoever reads
   * the storage sees it already.
   *
   * @throws Failure `StorageFailed`
   */
  write<Result>(what: string, change: () => Result, seen?: (result: Result) => void): Promise<Result>;
  /**
   * Leaves nothing, the alarm included: an object that stores nothing costs nothing.
   *
   * @throws Failure `StorageFailed`
   */
  erase(): Promise<void>;
}

/** Makes the writer of a storage. */
export function createWriter(storage: LogStorage): Writer {
  let last: Promise<unknown> = Promise.resolve();
  let broken: Failure | undefined;

  return {
    inTurn(job) {
      const turn = last.then(job, job);
      last = turn;
      return turn;
    },
    async write<Result>(what: string, change: () => Result, seen?: (result: Result) => void) {
      if (broken !== undefined) throw broken;
      let result: Result;
      try {
        result = storage.transactionSync(change);
      } catch (error) {
        throw isFailure(error) ? error : storageFailed(`${what} failed, and nothing was kept`, error);
      }
      seen?.(result);
      try {
        await storage.sync();
      } catch (error) {
        // What is in memory and what is on disk may differ now. The platform restarts an object whose storage failed.
        broken = storageFailed(`${what} did not reach the disk; send it again once the object has restarted`, error);
        throw broken;
      }
      return result;
    },
    async erase() {
      try {
        await storage.deleteAll();
      } catch (error) {
        throw storageFailed('removing the channel failed', error);
      }
    },
  };
}

function storageFailed(what: string, cause: unknown): Failure {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new Failure('StorageFailed', `${what}; the storage said: ${said}`, { cause });
}
