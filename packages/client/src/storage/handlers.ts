// Durable handlers in a database of their own: each method a transaction there, of its own or shared, and no position beyond the reserved one.
import {
  doLater,
  gathered,
  positionsPerSegment,
  taskStoreOf,
  type Piece,
  type Position,
  type Share,
  type TaskStore,
} from '@godwit/core';
import type { Connection } from './connection.ts';
import type { Database } from './schema.ts';
import { known, reading, reservedOf } from './state.ts';
import { behindSteps, idbTable, taskStores } from './tasks.ts';
import { change, heard, type Durability } from './write.ts';

/** How far ahead positions are reserved: one small transaction for so many of the log's commits. */
const reservedAhead: number = 4096 * positionsPerSegment;

/** The store of durable handlers. */
export function openTasks(handlers: Connection, durability: Durability): TaskStore {
  /** What this connection knows to be reserved. */
  let reserved: Position = 0;
  /** The one that was asked last. */
  let database: Database;
  const write = gathered(async (pieces) => {
    await reserve(Math.max(...pieces.map(({ upTo }) => upTo)));
    return change(database, taskStores, durability, async (transaction) => {
      const results = await done(pieces, transaction);
      transaction.commit();
      return results;
    });
  });
  const read = gathered((pieces) => done(pieces, reading(database, taskStores)));
  return taskStoreOf(
    (what, work, whose, upTo = 0) => run(write, what, work, whose, upTo),
    (what, work) => run(read, what, work, {}, 0),
  );

  function run<Result>(share: Share, what: string, ...piece: Parameters<typeof share<Result>>): Promise<Result> {
    return handlers.run(what, (current) => {
      database = current;
      return share(...piece);
    });
  }

  /**
   * Says, before it is so, that positions up to this one may be stored here. A loss of power may take more of the log than
   * of this database; what the log then stores must not take a position that handlers are beyond already. In a store that no
   * step writes to, it can be read while somebody hangs within a step.
   */
  async function reserve(position: Position): Promise<void> {
    if (position <= reserved) return;
    reserved = reservedOf(await known(database, 'reserved'));
    if (position <= reserved) return;
    await behindSteps(database);
    reserved = await change(database, ['meta'], durability, async (transaction) => {
      const meta = transaction.objectStore('meta');
      const before = reservedOf(await heard(meta.get('reserved')));
      if (position <= before) return before;
      const next = position + reservedAhead;
      void heard(meta.put({ name: 'reserved', v: 1, position: next }));
      return next;
    });
  }
}

/** All of it at once: what one waits for, the others need not. */
function done(pieces: readonly Piece[], transaction: Parameters<typeof idbTable>[0]): Promise<readonly unknown[]> {
  const table = idbTable(transaction);
  return Promise.all(pieces.map(({ work }) => doLater(work(table))));
}
