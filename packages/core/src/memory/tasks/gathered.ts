// Work of one moment shares a transaction: hundreds of handlers that take a step for one event wait for the disk once.
import type { Position } from '../../ports/store.ts';
import type { Steps } from './steps.ts';
import type { TaskTable } from './table.ts';

/** A piece of work for a transaction. */
export interface Piece {
  readonly work: (table: TaskTable) => Steps<unknown>;
  /** As of `Transact`. */
  readonly upTo: Position;
}

interface Asked extends Piece {
  /** Hears of it once it is committed. */
  answer(result: unknown): void;
  refuse(error: unknown): void;
}

/** Does a piece of work in a transaction with others; in one of its own where nobody says whose record and rows alone it touches. */
export type Share = <Result>(
  work: (table: TaskTable) => Steps<Result>,
  whose: unknown,
  upTo: Position,
) => Promise<Result>;

/**
 * Shares a transaction among what is asked for in one tick, or while the one before is under way: at most one piece of work
 * for each that there is. One that cannot be committed takes no other along.
 *
 * @param commit does these pieces in one transaction, all or nothing, side by side; answers what each of them answers
 */
export function gathered(commit: (pieces: readonly Piece[]) => Promise<readonly unknown[]>): Share {
  /** Those who wait for the next transaction, by whose record they touch. */
  let group = new Map<unknown, Asked>();
  let ended = Promise.resolve();

  return (work, whose, upTo) =>
    new Promise((answer, refuse) => {
      const asked = { work, upTo, answer, refuse };
      if (whose === undefined) {
        void serve([asked]);
        return;
      }
      if (group.has(whose)) group = new Map();
      const its = group.set(whose, asked);
      if (its.size > 1) return;
      ended = ended.then(() => {
        group = new Map();
        return serve([...its.values()]);
      });
    });

  async function serve(all: readonly Asked[]): Promise<void> {
    try {
      const results = await commit(all);
      all.forEach(({ answer }, index) => answer(results[index]));
    } catch (error) {
      if (all.length > 1) for (const each of all) await serve([each]);
      else all.forEach(({ refuse }) => refuse(error));
    }
  }
}
