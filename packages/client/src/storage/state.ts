// What a device knows of its channels: the cursors, and how much is behind them. And how its log is read without holding it.
import { Failure, headOf, pendingOf, segmentAt, afterKey } from '@godwit/core';
import type { ChannelState, Position, StoredSegment, StoreState, TrimMark } from '@godwit/core';
import { unwrap, type IDBPIndex, type IDBPTransaction, type StoreNames } from 'idb';
import type { Database, MetaRecord, Schema } from './schema.ts';
import { heard } from './write.ts';

/** How many segments lie at most behind a place for the log itself to be read there, and how many one look brings of an outbox. */
const nearMax = 16;

/**
 * Reads the log's head, and every channel that has an outbound segment or a cursor, or only the one that is named. In several
 * looks: the cursors come first, so that what is pending is never too little by what was confirmed meanwhile.
 */
export async function readState(database: Database, only?: string): Promise<Omit<StoreState, 'deviceId'>> {
  const [known, newest, trimmed] = await look(database, logStores, (log) =>
    Promise.all([
      log.objectStore('cursors').getAll(),
      log
        .objectStore('log')
        .openKeyCursor(null, 'prev')
        .then((cursor) => cursor?.primaryKey),
      log.objectStore('meta').get('trim'),
    ]),
  );
  const cursors = new Map(known.map((cursor) => [cursor.key, cursor]));
  const names = only === undefined ? await channelsIn(database, cursors.keys()) : new Set([only]);
  const states = [...names].map(async (channel): Promise<[string, ChannelState]> => {
    const sent = cursors.get(`sent:${channel}`)?.position ?? 0;
    const [read, pending] = await Promise.all([
      repaired(database, channel, cursors.get(`read:${channel}`)?.offset),
      pendingBehind(database, channel, sent),
    ]);
    const echo = cursors.get(`echo:${channel}`)?.position ?? 0;
    return [channel, { sent, echo, read, recheckTo: cursors.get(`recheck:${channel}`)?.offset, ...pending }];
  });
  // Without a prototype: `constructor` is a channel's name like any other.
  const channels: Record<string, ChannelState> = Object.create(null);
  for (const [channel, state] of await Promise.all(states)) channels[channel] = state;
  return { head: headOf(newest, markOf(trimmed)), channels };
}

/** The channels that have a cursor of this list, or own segments. */
async function channelsIn(database: Database, cursors: Iterable<string>): Promise<Set<string>> {
  const names = new Set<string>();
  for (const key of cursors) names.add(key.slice(key.indexOf(':') + 1));
  for (let out = await nextOutbox(database); out !== undefined; out = await nextOutbox(database, out)) names.add(out);
  return names;
}

/** The outbound own segments of a channel that may hold something behind `after`, in order. */
export async function* ownSegments(
  database: Database,
  channel: string,
  after: Position,
): AsyncGenerator<StoredSegment, undefined> {
  const from = segmentAt(after);
  // Mostly what is not sent yet lies at the log's end, right behind what is.
  const near = await look(database, ['log'], (log) =>
    log.objectStore('log').getAll(IDBKeyRange.lowerBound(from), nearMax),
  );
  if (near.length < nearMax) {
    for (const segment of near) if (segment.out === channel) yield numbered(segment);
    return;
  }
  const all = await look(database, ['log'], (log) => outbox(log).getAllKeys(IDBKeyRange.only(channel)));
  // What was sent long ago is not read again.
  const keys = all.filter((key) => key >= from);
  for (let next = 0; next < keys.length; next += nearMax) {
    const segments = await look(database, ['log'], (log) =>
      Promise.all(keys.slice(next, next + nearMax).map((key) => log.objectStore('log').get(key))),
    );
    // One that was trimmed meanwhile was sent.
    for (const segment of segments) if (segment !== undefined) yield numbered(segment);
  }
}

/** A record of the log with the number that the key generator gave it. */
export function numbered({ segment, ...rest }: Schema['log']['value']): StoredSegment {
  if (segment === undefined)
    throw new Failure('StorageFailed', 'a record of the log has no number; delete the database');
  return { ...rest, segment };
}

/** How far the log was trimmed. */
export function markOf(record: MetaRecord | undefined): TrimMark | undefined {
  return record?.name === 'trim' ? record.mark : undefined;
}

/** How far positions are reserved for the handlers. */
export function reservedOf(record: MetaRecord | undefined): Position {
  return record?.name === 'reserved' ? record.position : 0;
}

/** The stores of the log. */
export const logStores: ('log' | 'cursors' | 'meta')[] = ['log', 'cursors', 'meta'];

/** Begins to read. What fails, fails a request too; nobody need listen to the transaction as well. */
export function reading<Name extends StoreNames<Schema>>(
  database: Database,
  names: Name[],
): IDBPTransaction<Schema, Name[]> {
  const transaction = database.transaction(names);
  void heard(transaction.done);
  return transaction;
}

/**
 * Reads by requests that are all made at once, and lets go of what it reads there and then. A transaction that is open, also one
 * that only reads, keeps every tab of the device from writing; a thread that hangs, or is frozen, before it has asked for the
 * next would do so for as long.
 */
export function look<Name extends StoreNames<Schema>, Result>(
  database: Database,
  names: Name[],
  requests: (transaction: IDBPTransaction<Schema, Name[]>) => Promise<Result>,
): Promise<Result> {
  const transaction = reading(database, names);
  const made = heard(requests(transaction));
  // Every transaction has it, whatever it may do: https://w3c.github.io/IndexedDB/#dom-idbtransaction-commit
  unwrap(transaction).commit();
  return made;
}

/** What a database knows of itself by this name. */
export function known(database: Database, name: MetaRecord['name']): Promise<MetaRecord | undefined> {
  return look(database, ['meta'], (transaction) => transaction.objectStore('meta').get(name));
}

function outbox(transaction: IDBPTransaction<Schema, 'log'[]>): IDBPIndex<Schema, 'log'[], 'log', 'out'> {
  return transaction.objectStore('log').index('out');
}

/** The next channel that has own segments: one seek each, where a cursor over unique keys walks over every segment. */
function nextOutbox(database: Database, after?: string): Promise<string | undefined> {
  const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
  return look(database, ['log'], (log) =>
    outbox(log)
      .openKeyCursor(range)
      .then((cursor) => cursor?.key),
  );
}

async function pendingBehind(
  database: Database,
  channel: string,
  sent: Position,
): Promise<Pick<ChannelState, 'pendingEvents' | 'pendingBytes'>> {
  let pendingEvents = 0;
  let pendingBytes = 0;
  for await (const segment of ownSegments(database, channel, sent)) {
    const pending = pendingOf(segment, sent);
    pendingEvents += pending.pendingEvents;
    pendingBytes += pending.pendingBytes;
  }
  return { pendingEvents, pendingBytes };
}

/** Each page says behind which offset it begins: following them from a cursor that was moved back leads to the newest. */
async function repaired(database: Database, channel: string, read: string | undefined): Promise<string | undefined> {
  const seen = new Set<string>();
  let offset = read;
  // A relay that went back within its epoch makes a circle of pages, which must not hold us for ever.
  while (offset !== undefined && !seen.has(offset)) {
    seen.add(offset);
    const key = afterKey(channel, offset);
    const page = await look(database, ['log'], (log) => log.objectStore('log').index('after').get(key));
    if (page === undefined) return offset;
    offset = page.last;
  }
  return read;
}
