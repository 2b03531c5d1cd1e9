// What a device knows of its channels, read in one transaction: the cursors, and how much is behind them.
import { Failure, headOf, pendingOf, segmentAt, afterKey } from '@godwit/core';
import type { ChannelState, Position, StoredSegment, StoreState, TrimMark } from '@godwit/core';
import type { IDBPIndex, IDBPTransaction, StoreNames } from 'idb';
import type { Database, MetaRecord, Schema } from './schema.ts';
import { heard } from './write.ts';

/** Reads the log's head, and every channel that has an outbound segment or a cursor. */
export async function readState(database: Database): Promise<Omit<StoreState, 'deviceId'>> {
  const transaction = reading(database, logStores);
  const cursors = new Map((await transaction.objectStore('cursors').getAll()).map((cursor) => [cursor.key, cursor]));
  const newest = await transaction.objectStore('log').openKeyCursor(null, 'prev');
  const mark = markOf(await transaction.objectStore('meta').get('trim'));
  const names = new Set([...cursors.keys()].map((key) => key.slice(key.indexOf(':') + 1)));
  for (let out = await nextOutbox(transaction); out !== undefined; out = await nextOutbox(transaction, out))
    names.add(out);
  // Without a prototype: `constructor` is a channel's name like any other.
  const channels: Record<string, ChannelState> = Object.create(null);
  for (const channel of names) {
    const sent = cursors.get(`sent:${channel}`)?.position ?? 0;
    channels[channel] = {
      sent,
      echo: cursors.get(`echo:${channel}`)?.position ?? 0,
      read: await repaired(transaction, channel, cursors.get(`read:${channel}`)?.offset),
      recheckTo: cursors.get(`recheck:${channel}`)?.offset,
      ...(await pendingBehind(transaction, channel, sent)),
    };
  }
  return { head: headOf(newest?.primaryKey, mark), channels };
}

/** The outbound own segments of a channel that may hold something behind `after`, one at a time. */
export async function* ownSegments(
  transaction: ReadTransaction,
  channel: string,
  after: Position,
): AsyncGenerator<StoredSegment, undefined> {
  const from = segmentAt(after);
  let cursor = await outbox(transaction).openCursor(IDBKeyRange.only(channel));
  // Straight to the place: what was sent long ago is not read again.
  if (cursor !== null && cursor.primaryKey < from) cursor = await cursor.continuePrimaryKey(channel, from);
  for (; cursor !== null; cursor = await cursor.continue()) yield numbered(cursor.value);
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

/** The stores of the log. */
export const logStores: ('log' | 'cursors' | 'meta')[] = ['log', 'cursors', 'meta'];

/** A transaction that reads the log. */
export type ReadTransaction = IDBPTransaction<Schema, typeof logStores>;

/** Begins to read. What fails, fails a request too; nobody need listen to the transaction as well. */
export function reading<Name extends StoreNames<Schema>>(
  database: Database,
  names: Name[],
): IDBPTransaction<Schema, Name[]> {
  const transaction = database.transaction(names);
  void heard(transaction.done);
  return transaction;
}

function outbox(transaction: ReadTransaction): IDBPIndex<Schema, typeof logStores, 'log', 'out'> {
  return transaction.objectStore('log').index('out');
}

/** The next channel that has own segments: one seek each, where a cursor over unique keys walks over every segment. */
async function nextOutbox(transaction: ReadTransaction, after?: string): Promise<string | undefined> {
  const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
  return (await outbox(transaction).openKeyCursor(range))?.key;
}

async function pendingBehind(
  transaction: ReadTransaction,
  channel: string,
  sent: Position,
): Promise<Pick<ChannelState, 'pendingEvents' | 'pendingBytes'>> {
  let pendingEvents = 0;
  let pendingBytes = 0;
  for await (const segment of ownSegments(transaction, channel, sent)) {
    const pending = pendingOf(segment, sent);
    pendingEvents += pending.pendingEvents;
    pendingBytes += pending.pendingBytes;
  }
  return { pendingEvents, pendingBytes };
}

/** Each page says behind which offset it begins: following them from a cursor that was moved back leads to the newest. */
async function repaired(
  transaction: ReadTransaction,
  channel: string,
  read: string | undefined,
): Promise<string | undefined> {
  const pages = transaction.objectStore('log').index('after');
  const seen = new Set<string>();
  let offset = read;
  // A relay that went back within its epoch makes a circle of pages, which must not hold us for ever.
  while (offset !== undefined && !seen.has(offset)) {
    seen.add(offset);
    const page = await pages.get(afterKey(channel, offset));
    if (page === undefined) return offset;
    offset = page.last;
  }
  return read;
}
