// Durable handlers in a database of their own: each method one transaction there, and no position beyond the reserved one.
import { doLater, positionsPerSegment, taskStoreOf, type Position, type TaskStore } from '@godwit/core';
import type { Connection } from './connection.ts';
import type { Database } from './schema.ts';
import { reading } from './state.ts';
import { idbTable, taskStores } from './tasks.ts';
import { change, heard, type Durability } from './write.ts';

/** How far ahead positions are reserved: one small transaction for so many of the log's commits. */
const reservedAhead: number = 4096 * positionsPerSegment;

/** The store of durable handlers. */
export function openTasks(handlers: Connection, durability: Durability): TaskStore {
  /** What this connection knows to be reserved. */
  let reserved: Position = 0;

  return {
    ...upTo(0),
    lease: (request) => upTo(request.start ?? 0).lease(request),
    advance: (step) => upTo(step.claimed).advance(step),
    cancelAhead: (row) => upTo(row.position).cancelAhead(row),
  };

  /** The store, for a call that may store positions up to this one. */
  function upTo(position: Position): TaskStore {
    return taskStoreOf(
      (what, work) =>
        handlers.run(what, async (database) => {
          await reserve(database, position);
          return change(database, taskStores, durability, async (transaction) => {
            const result = await doLater(work(idbTable(transaction)));
            transaction.commit();
            return result;
          });
        }),
      (what, work) => handlers.run(what, (database) => doLater(work(idbTable(reading(database, taskStores))))),
    );
  }

  /**
   * Says, before it is so, that positions up to this one may be stored here. A loss of power may take more of the log than
   * of this database; what the log then stores must not take a position that handlers are beyond already. In a store that no
   * step writes to, it can be read while somebody hangs within a step.
   */
  async function reserve(database: Database, position: Position): Promise<void> {
    if (position <= reserved) return;
    reserved = await change(database, ['meta'], durability, async (transaction) => {
      const meta = transaction.objectStore('meta');
      const record = await heard(meta.get('reserved'));
      const before = record?.name === 'reserved' ? record.position : 0;
      if (position <= before) return before;
      const next = position + reservedAhead;
      void heard(meta.put({ name: 'reserved', v: 1, position: next }));
      return next;
    });
  }
}
