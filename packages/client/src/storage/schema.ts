// The device's two databases, the log's and the handlers': their names, their stores, and the shape of their records.
//
// They are two because a browser may let one transaction at a time write to a database (Chromium 156 does), and a worker that
// hangs within one of its own never ends it: whoever hangs among the handlers' stores must not hold up what is published.
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

/** How a database is made. */
export interface Layout {
  /** Grows with each change that older releases must not write beside; a breaking one takes a new name instead. */
  readonly version: number;
  /** Brings the stores from a version to this one. The database gets its id in the same transaction, so no two tabs can give it two. */
  readonly upgrade: (database: Database, from: number, id: string) => void;
}

/**
 * The stores of both, by what is in them: `log`, `cursors` and `rejected` in the log's, `handlers` and `tasks` in the
 * handlers', and `meta` in each. Every record carries `v`, the version of its shape.
 */
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

/** What each database knows of itself. */
export type MetaRecord =
  /** Its id, made with it; the log's is the device's. */
  | { readonly name: 'device'; readonly v: 1; readonly id: string }
  /** In the log's: the id of the handlers' database that belongs to it. */
  | { readonly name: 'handlers'; readonly v: 1; readonly id: string }
  /** In the handlers': the id of the log that its positions are places of. Written last, so what it stands in is whole. */
  | { readonly name: 'log'; readonly v: 1; readonly id: string }
  /** In the handlers': no position in it is beyond this one. */
  | { readonly name: 'reserved'; readonly v: 1; readonly position: Position }
  /** In the log's: how far it was trimmed. */
  | { readonly name: 'trim'; readonly v: 1; readonly mark: TrimMark }
  /** In the log's: what trimming took from handlers, to be added to their totals; numbered. */
  | { readonly name: 'owed'; readonly v: 1; readonly n: number; readonly owed: readonly Owed[] }
  /** In the handlers': the number up to which that has been added. */
  | { readonly name: 'paid'; readonly v: 1; readonly n: number };

/** Events that one handler will never have, as its totals count them. */
export interface Owed {
  readonly handler: string;
  readonly passed: number;
  readonly dropped: number;
}

/** An open database. */
export type Database = IDBPDatabase<Schema>;

/**
 * The name of a user's database of the log. The lock and the channel of its tabs are called the same.
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

/** The name of the handlers' database that belongs to a log's. */
export function handlersName(name: string): string {
  return `${name}:handlers`;
}

/**
 * The log's database. Since version 3 own events are text, since version 4 the handlers are elsewhere, and since version 5 that
 * text says but once what the events of a commit have in common: whoever opened an older one would read none of it. What the older ones have stored of the log is read as it is.
 */
export const logLayout: Layout = {
  version: 5,
  upgrade(database, from, id) {
    if (from === 0) {
      const log = database.createObjectStore('log', { keyPath: 'segment', autoIncrement: true });
      log.createIndex('out', 'out');
      log.createIndex('after', 'after', { unique: true });
      database.createObjectStore('cursors', { keyPath: 'key' });
      database.createObjectStore('rejected', { keyPath: 'id' });
      createMeta(database, id);
    } else if (from === 1) {
      // Made, and never written to. What versions 2 and 3 wrote to these two is taken over into the handlers' own database.
      database.deleteObjectStore('handlers');
      database.deleteObjectStore('tasks');
    }
  },
};

/** The handlers' database. */
export const handlersLayout: Layout = {
  version: 1,
  upgrade(database, _from, id) {
    database.createObjectStore('handlers', { keyPath: 'record.name' });
    const tasks = database.createObjectStore('tasks', { keyPath: ['row.handler', 'row.position'] });
    tasks.createIndex('state', ['row.state', 'row.handler', 'row.position']);
    tasks.createIndex('due', ['row.handler', 'due']);
    tasks.createIndex('at', ['row.state', 'row.handler', 'row.at']);
    tasks.createIndex('lane', ['row.handler', 'lane', 'row.position']);
    createMeta(database, id);
  },
};

function createMeta(database: Database, id: string): void {
  // Lives as long as the upgrade's transaction; whether it succeeded, that transaction says.
  const meta = database.createObjectStore('meta', { keyPath: 'name' });
  meta.add({ name: 'device', v: 1, id }).catch(() => undefined);
}
