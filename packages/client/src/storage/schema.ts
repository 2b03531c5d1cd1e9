// The device's database: its name, its stores, and the shape of their records.
import { Failure } from '@godwit/core';
import type {
  CloudEvent,
  FailureJson,
  HandlerRecord,
  Position,
  Segment,
  TaskRow,
  TaskState,
  TrimMark,
} from '@godwit/core';
import type { DBSchema, IDBPDatabase } from 'idb';

/** Grows with additions that older releases can live with; a breaking change takes a new name instead. */
export const databaseVersion = 3;

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
  handlers: { key: string; value: { readonly v: 1; readonly record: HandlerRecord } };
  /** Their exceptions: events that are retried, blocked, dead, cancelled or deferred. */
  tasks: {
    key: [handler: string, position: Position];
    value: TaskRecord;
    indexes: {
      state: [state: TaskState, handler: string, position: Position];
      due: [handler: string, due: number];
      at: [state: TaskState, handler: string, at: number];
      lane: [handler: string, lane: [key: string, rank: number], position: Position];
    };
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

/** A row, and what only some rows have: the indexes hold those and no others. */
export interface TaskRecord {
  readonly v: 1;
  readonly row: TaskRow;
  /** When a waiting row is due. */
  readonly due?: number;
  /** The key of a live row, and whether it stands at the head of it (0) or is blocked (1). */
  readonly lane?: readonly [key: string, rank: number];
}

/** What is known of the device itself: its id, and how far its log was trimmed. */
export type MetaRecord =
  | { readonly name: 'device'; readonly v: 1; readonly id: string }
  | { readonly name: 'trim'; readonly v: 1; readonly mark: TrimMark };

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

/** Brings the stores from a version to this one. The device gets its id in the same transaction, so no two tabs can give it two. */
export function upgrade(database: Database, from: number, deviceId: string): void {
  if (from === 0) {
    const log = database.createObjectStore('log', { keyPath: 'segment', autoIncrement: true });
    log.createIndex('out', 'out');
    log.createIndex('after', 'after', { unique: true });
    database.createObjectStore('cursors', { keyPath: 'key' });
    database.createObjectStore('rejected', { keyPath: 'id' });
    // Lives as long as the upgrade's transaction; whether it succeeded, that transaction says.
    const meta = database.createObjectStore('meta', { keyPath: 'name' });
    meta.add({ name: 'device', v: 1, id: deviceId }).catch(() => undefined);
  } else if (from === 1) {
    // Version 1 made these two and never wrote to them.
    database.deleteObjectStore('handlers');
    database.deleteObjectStore('tasks');
  }
  // Since version 3 own events are text, which whoever opened version 2 could not read; what it has stored is read as it is.
  if (from >= 2) return;
  database.createObjectStore('handlers', { keyPath: 'record.name' });
  const tasks = database.createObjectStore('tasks', { keyPath: ['row.handler', 'row.position'] });
  tasks.createIndex('state', ['row.state', 'row.handler', 'row.position']);
  tasks.createIndex('due', ['row.handler', 'due']);
  tasks.createIndex('at', ['row.state', 'row.handler', 'row.at']);
  tasks.createIndex('lane', ['row.handler', 'lane', 'row.position']);
}
