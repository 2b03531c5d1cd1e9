// What a device remembers, in IndexedDB: the store that the client's worker writes.
import {
  entriesOf,
  firstPosition,
  lastPosition,
  ownEventsOf,
  segmentAt,
  segmentOfOwn,
  segmentOfPage,
  toFailure,
  trimmedBehind,
  type DeviceStore,
  type Failure,
  type LogEntry,
  type LogRun,
  type OwnEvent,
  type Position,
  type Store,
  type TaskStore,
  type TrimMark,
  type World,
} from '@godwit/core';
import { bind } from './bind.ts';
import { connect, triesMax, type Connection, type Fate } from './connection.ts';
import { cutOff, isLostConnection, nameOf } from './failures.ts';
import { openTasks } from './handlers.ts';
import { createLift } from './lift.ts';
import { handlersLayout, handlersName, logLayout, type CursorRecord, type Database, type Schema } from './schema.ts';
import { look, markOf, numbered, ownSegments, readState } from './state.ts';
import { trimLog } from './trim.ts';
import { write, type Durability } from './write.ts';

/** How much of the log one read brings into memory, in bytes, beyond its first segment. */
const readBytesMax = 1024 * 1024;

/** How long to wait with the next opening where a browser is clearing its data, in milliseconds; twice that the second time. */
const againMs = 100;

/** How an IndexedDB store is opened. */
export interface IdbStoreOptions {
  /** See `databaseName`. */
  readonly name: string;
  readonly world: World;
  /** `relaxed` (the default) survives the death of processes, `strict` also the loss of power, and costs a disk flush each. */
  readonly durability?: Durability;
  readonly report: (failure: Failure) => void;
}

/**
 * Opens a user's databases, and makes them where there are none. `report` hears of durable handlers whose database was
 * deleted, or whose log was: nothing of that can be had back.
 *
 * @throws Failure `Outdated` when a newer release has taken them; `StorageFailed` when the browser has no room or no database
 */
export async function openIdbStore(options: IdbStoreOptions): Promise<DeviceStore> {
  for (let tries = 1; ; tries += 1) {
    const fate: Fate = {};
    try {
      return await opened(options, fate);
    } catch (error) {
      // Deleted or cut off while it was opened: nobody has written to it by then.
      const { name, cause } = toFailure(error);
      const isAgain = error === fate.ended ? name !== 'Outdated' : isLostConnection(cause) || nameOf(cause) === cutOff;
      if (!isAgain || tries === triesMax) throw error;
      await new Promise<void>((next) => options.world.after(againMs * tries, next));
    }
  }
}

async function opened(
  { name, world, durability = 'relaxed', report }: IdbStoreOptions,
  fate: Fate,
): Promise<DeviceStore> {
  const log = await connect({ name, layout: logLayout, world, fate });
  let handlers: Connection | undefined;
  try {
    handlers = await connect({ name: handlersName(name), layout: handlersLayout, world, fate });
    const reserved = await bind({ log, handlers, durability, report });
    return storeOf({ log, handlers, world, durability, lift: createLift(reserved, durability) });
  } catch (error) {
    await Promise.all([log.close(), handlers?.close()]);
    throw error;
  }
}

function storeOf(parts: {
  readonly log: Connection;
  readonly handlers: Connection;
  readonly world: World;
  readonly durability: Durability;
  readonly lift: (database: Database) => Promise<void>;
}): DeviceStore {
  const { log, handlers, durability, lift } = parts;
  return {
    ...openTasks(handlers, durability),

    trim: (request) => trimLog(parts, request),

    state: (channel) =>
      log.run('read what the device knows', async (database) => ({
        deviceId: log.id,
        ...(await readState(database, channel)),
      })),

    record: (segments) =>
      log.run('record events', async (database) => {
        const records = segments.map(segmentOfOwn);
        if (records.length === 0) return [];
        await lift(database);
        const added = await write(database, ['log'], durability, (store) =>
          records.map((record) => store('log').add(record)),
        );
        return added.map(({ result }) => firstPosition(Number(result)));
      }),

    merge: (page) =>
      log.run(`merge a page of "${page.channel}"`, async (database) => {
        const { channel, last, echo, recheckTo } = page;
        const record = segmentOfPage(page);
        await lift(database);
        try {
          // The page before its cursors: a browser that commits the beginning of a transaction leaves a `read` that
          // `state` repairs, not one that skips a page.
          await write(database, ['log', 'cursors'], durability, (store) => {
            const put = (cursor: Omit<CursorRecord, 'v'>): unknown => store('cursors').put({ ...cursor, v: 1 });
            const recheck = `recheck:${channel}`;
            store('log').add(record);
            put({ key: `read:${channel}`, offset: last });
            if (echo !== undefined) put({ key: `echo:${channel}`, position: echo });
            if (recheckTo === null) store('cursors').delete(recheck);
            else if (recheckTo !== undefined) put({ key: recheck, offset: recheckTo });
          });
          return 'merged';
        } catch (error) {
          // The unique index of pages held: another leader was here, and the whole transaction is undone.
          if (nameOf(error) === 'ConstraintError') return 'fenced';
          throw error;
        }
      }),

    confirm: ({ channel, sent, rejected }) =>
      log.run(`confirm what "${channel}" has sent`, async (database) => {
        await write(database, ['cursors', 'rejected'], durability, (store) => {
          for (const { event, failure } of rejected)
            store('rejected').put({ id: event.id, v: 1, channel, event, failure });
          store('cursors').put({ key: `sent:${channel}`, v: 1, position: sent });
        });
      }),

    refusals: (ids) =>
      log.run('read what the relay refused', async (database) => {
        const found = await look(database, ['rejected'], (transaction) =>
          Promise.all(ids.map((id) => transaction.objectStore('rejected').get(id))),
        );
        return found.map((record) => record?.failure ?? null);
      }),

    read: (after, limit) => log.run('read the log', (database) => readLog(database, after, limit)),

    own: (channel, after, limit) =>
      log.run(`read the outbox of "${channel}"`, (database) => readOwn(database, channel, after, limit)),

    close: both(({ close }) => close()),
    destroy: both(({ destroy }) => destroy()),
  } satisfies Store & TaskStore;

  function both(work: (connection: Connection) => Promise<void>): () => Promise<void> {
    return async () => {
      await Promise.all([handlers, log].map(work));
    };
  }
}

async function readLog(database: Database, after: Position, limit: number): Promise<LogRun> {
  const entries: LogEntry[] = [];
  let next = after;
  let trimmed: Pick<LogRun, 'trimmed'> = {};
  const read = { segments: 0, events: 0, bytes: 0 };
  // The first look asks for one segment; later ones go by how large those before were.
  for (let chunk = 1; chunk > 0; chunk = fitting()) {
    const its = await chunkBehind(database, next, chunk);
    const lost = trimmedBehind(its.mark, next);
    if (read.segments === 0) trimmed = lost;
    // It was trimmed between two looks: the next run says so, in its place.
    else if (lost.trimmed === true) return run(false);
    for (const segment of its.segments.map(numbered)) {
      if (entries.length > 0 && read.bytes >= readBytesMax) return run(false);
      for (const entry of entriesOf(segment)) {
        if (entry.position <= after) continue;
        if (entries.length === limit) return run(false);
        entries.push(entry);
        next = entry.position;
      }
      next = lastPosition(segment.segment);
      read.segments += 1;
      read.events += segment.n;
      read.bytes += segment.bytes;
    }
    if (its.isLast) return run(true);
  }
  return run(false);

  /** How many more segments are likely to fit. Read in part, a segment would be read again for the rest of it. */
  function fitting(): number {
    const room = limit - entries.length;
    const few = Math.min(room / (read.events / read.segments), (readBytesMax * read.segments) / read.bytes, room);
    // Where nothing was read yet, something has to be.
    return entries.length === 0 ? Math.max(1, Math.floor(few)) : Math.floor(few);
  }

  function run(atHead: boolean): LogRun {
    return { entries, next, atHead, ...trimmed };
  }
}

/** So many segments behind a place, whether there are more, and how far the log was trimmed by then. */
async function chunkBehind(
  database: Database,
  position: Position,
  chunk: number,
): Promise<{ segments: Schema['log']['value'][]; isLast: boolean; mark: TrimMark | undefined }> {
  const behind = IDBKeyRange.lowerBound(segmentAt(position + 1));
  const [segments, keys, mark] = await look(database, ['log', 'meta'], (transaction) => {
    const log = transaction.objectStore('log');
    return Promise.all([
      log.getAll(behind, chunk),
      log.getAllKeys(behind, chunk + 1),
      transaction.objectStore('meta').get('trim'),
    ]);
  });
  return { segments, isLast: keys.length <= chunk, mark: markOf(mark) };
}

async function readOwn(database: Database, channel: string, after: Position, limit: number): Promise<OwnEvent[]> {
  const events: OwnEvent[] = [];
  let bytes = 0;
  for await (const segment of ownSegments(database, channel, after)) {
    const own = ownEventsOf(segment, after);
    if (own.length === 0) continue;
    events.push(...own);
    bytes += segment.bytes;
    if (events.length >= limit || bytes >= readBytesMax) break;
  }
  return events.slice(0, limit);
}
