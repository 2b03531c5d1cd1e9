// The device's database: its name, its stores, and the shape of their records.
import { Failure, type CloudEvent, type FailureJson, type Position, type Segment } from '@godwit/core';
import type { DBSchema, IDBPDatabase } from 'idb';

/** Grows with additions that older releases can live with; a breaking change takes a new name instead. */
export const databaseVersion = 1;

/** The stores, by what is in them. Every record carries `v`, the version of its shape. */
export interface Schema extends DBSchema {
  /** One record per commit. The key generator numbers them in the order of the commits. */
  log: {
    key: number;
    value: Segment & { readonly segment?: number };
    indexes: { out: string; after: string };
  };
  /** `sent:channel`, `echo:channel`, `read:channel` and `recheck:channel`. */
  cursors: { key: string; value: CursorRecord };
  /** Copies of events that the relay refused. */
  rejected: { key: string; value: RejectedRecord };
  /** Durable handlers: how far each is. */
  handlers: { key: string; value: { readonly name: string; readonly v: number } };
  /** Their exceptions: events that are retried, blocked, dead, cancelled or deferred. */
  tasks: {
    key: [handler: string, id: string];
    value: { readonly handler: string; readonly id: string; readonly v: number; readonly due?: number };
    indexes: { due: number };
  };
  meta: { key: string; value: MetaRecord };
}

/** A cursor: a place in the device's log, or an offset of the relay's. */
export interface CursorRecord {
  readonly key: string;
  readonly v: 1;
  readonly position?: Position;
  readonly offset?: string;
}

/** A refused event. */
export interface RejectedRecord {
  readonly id: string;
  readonly v: 1;
  readonly channel: string;
  readonly event: CloudEvent;
  readonly failure: FailureJson;
}

/** What is known of the device itself. */
export interface MetaRecord {
  readonly name: 'device';
  readonly v: 1;
  readonly id: string;
}

/** An open database. */
export type Database = IDBPDatabase<Schema>;

/**
 * The name of a user's database. The lock and the channel of its tabs are called the same.
 *
 * @throws Failure `InvalidOptions` when the name or the user is no text
 */
export function databaseName(name: string, user: string): string {
  try {
    // Encoded, neither holds a colon: `a` with user `b:c` and `a:b` with user `c` are two databases.
    return `godwit:1:${encodeURIComponent(name)}:${encodeURIComponent(user)}`;
  } catch (error) {
    throw new Failure('InvalidOptions', '`name` and `user` must be well-formed text, without lone surrogates', {
      cause: error,
    });
  }
}

/** Makes the stores. The device gets its id in the same transaction, so no two tabs can give it two. */
export function createStores(database: Database, deviceId: string): void {
  const log = database.createObjectStore('log', { keyPath: 'segment', autoIncrement: true });
  log.createIndex('out', 'out');
  log.createIndex('after', 'after', { unique: true });
  database.createObjectStore('cursors', { keyPath: 'key' });
  database.createObjectStore('rejected', { keyPath: 'id' });
  database.createObjectStore('handlers', { keyPath: 'name' });
  database.createObjectStore('tasks', { keyPath: ['handler', 'id'] }).createIndex('due', 'due');
  // Lives as long as the upgrade's transaction; whether it succeeded, that transaction says.
  const meta = database.createObjectStore('meta', { keyPath: 'name' });
  meta.add({ name: 'device', v: 1, id: deviceId }).catch(() => undefined);
}
