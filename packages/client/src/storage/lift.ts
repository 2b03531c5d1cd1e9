// Before the first write of a tab: no new entry of the log takes a position that durable handlers may be beyond already.
import { segmentAt, type Position } from '@godwit/core';
import { nameOf } from './failures.ts';
import type { Database } from './schema.ts';
import { look } from './state.ts';
import { write, type Durability } from './write.ts';

/**
 * Makes what lifts the log's key generator beyond `reserved`, once. The log lies behind it for good where a loss of power took
 * its last commits, and not those of the handlers, which would pass over whatever took the same numbers again.
 */
export function createLift(reserved: Position, durability: Durability): (database: Database) => Promise<void> {
  let lifted = reserved === 0 ? Promise.resolve() : undefined;

  return (database) => {
    lifted ??= lift(database);
    // One that failed is tried again by the next write; this one hears of it.
    lifted.catch(() => (lifted = undefined));
    return lifted;
  };

  async function lift(database: Database): Promise<void> {
    const segment = segmentAt(reserved);
    const newest = await look(database, ['log'], (log) =>
      log
        .objectStore('log')
        .openKeyCursor(null, 'prev')
        .then((cursor) => cursor?.primaryKey),
    );
    if (newest !== undefined && newest >= segment) return;
    try {
      // A record with a number of its own moves the generator behind it, also when it goes at once; nobody ever sees it. Where
      // the generator has passed that number meanwhile, it stays where it is.
      await write(database, ['log'], durability, (store) => {
        store('log').add({ v: 1, segment, channel: '', n: 0, bytes: 0, at: 0, events: [] });
        store('log').delete(segment);
      });
    } catch (error) {
      // Another tab was quicker, and its commit has that number.
      if (nameOf(error) !== 'ConstraintError') throw error;
    }
  }
}
