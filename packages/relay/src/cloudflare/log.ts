// append, read, trim on Workers: a channel's log in the SQL storage of its own Durable Object.
import { Failure, type Log, type LogPage, type Logs, type World } from '@godwit/core';
import { epochOf, resolvePosition } from '@godwit/core/protocol';
import { commit, trim } from './commit.ts';
import { halfSipHash, type Hash, type IdentityHash } from '../identities/hash.ts';
import { identityLimits, loadIdentities } from '../identities/identities.ts';
import { readRecords } from './read.ts';
import { announce, blankState, closed, storedState, type State } from './state.ts';
import { createTables, type ChannelRow, type LogStorage } from './tables.ts';
import { createWriter } from './writer.ts';

/** What a Durable Object's logs are made of. */
export interface SqlLogsOptions {
  readonly storage: LogStorage;
  readonly world: Pick<World, 'now' | 'id'>;
  /** A listener that threw. Its neighbours heard the news all the same. */
  readonly report: (error: unknown) => void;
  /** Makes the hash by which identities are known, from the channel's secret key. */
  readonly hash?: (key: Hash) => IdentityHash;
  /** Whether something else is stored beside the log, which outlives it. */
  readonly isShared?: () => boolean;
  /** The most events held, since each costs memory. Beyond, the oldest eighth is dropped, and readers are told of a gap. */
  readonly eventsMax?: number;
  /** Makes the table of identities. */
  readonly load?: typeof loadIdentities;
}

/**
 * The logs of one Durable Object, which holds one channel. An append writes two rows, one for its events and one for the
 * channel, in one transaction. It resolves once `storage.sync()` says that they are on disk, and on the other machines
 * on which Cloudflare keeps it.
 *
 * @see https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/
 */
export function createSqlLogs(options: SqlLogsOptions): Logs {
  const {
    storage,
    world,
    report,
    hash = halfSipHash,
    isShared = () => false,
    eventsMax = identityLimits.eventsMax,
    load = loadIdentities,
  } = options;
  const tables = createTables(storage.sql);
  const writer = createWriter(storage);
  let state: State | undefined;
  let isClosed = false;

  const found = (): State | undefined => {
    const row = tables.load();
    return row === undefined ? undefined : storedState(row, hash);
  };

  return {
    // In turn, so that a log which is being removed is gone before its name is opened anew.
    open: (channel) =>
      writer.inTurn(async () => {
        if (isClosed) throw closed();
        state ??= found() ?? blankState(channel, epochOf(world.id()), hash);
        if (state.row.name !== channel) throw otherChannel(state.row.name, channel);
        return openLog(state);
      }),
    channels: () =>
      writer.inTurn(async () => {
        const { row, isStored } = state ?? found() ?? {};
        return row !== undefined && isStored === true ? [row.name] : [];
      }),
    remove: (channel) =>
      writer.inTurn(async () => {
        const own = state ?? found();
        if (own === undefined || !own.isStored || own.row.name !== channel) return false;
        own.isClosed = true;
        state = undefined;
        if (isShared()) await writer.write('removing the channel', tables.drop);
        else await writer.erase();
        return true;
      }),
    async close() {
      isClosed = true;
      await writer.inTurn(async () => {
        if (state !== undefined) state.isClosed = true;
      });
    },
  } satisfies Logs;

  function openLog(own: State): Log {
    const stops = new Set<() => void>();
    let isLogClosed = false;
    /** What is gone from the tables is gone for readers at once: they would find a hole where there is a gap. */
    const dropped = ({ row: { tail } }: { readonly row: ChannelRow }): void => {
      own.row = { ...own.row, tail };
    };
    const assertOpen = (): void => {
      if (isLogClosed || own.isClosed) throw closed();
    };

    return {
      async append(events, refused) {
        assertOpen();
        return await writer.inTurn(async () => {
          if (own.isClosed) throw closed();
          own.identities ??= load(own.row.tail, own.isStored ? tables.hashes() : [], eventsMax);
          const { row, identities } = own;
          const parts = { tables, row, identities, hash: own.hash, at: world.now(), eventsMax };
          const {
            drafts,
            outcomes,
            row: next,
          } = await writer.write(
            'an append',
            () => {
              if (!own.isStored) tables.create(row);
              return commit(events, refused, parts);
            },
            dropped,
          );
          own.row = next;
          own.isStored = true;
          // Forgets first: a table that is full of what is gone would be made anew for each event that comes.
          identities.forget(next.tail);
          for (const { record, hash } of drafts) identities.add(hash, record.sequence);
          if (drafts.length > 0) announce(own, { records: drafts.map(({ record }) => record) }, report);
          return outcomes;
        });
      },
      async read(position, limit) {
        assertOpen();
        const { epoch, head, tail } = own.row;
        const { after, gap } = resolvePosition(position, { epoch, head, tail });
        const records = readRecords(tables, { after, head, limit });
        const page: LogPage = { epoch, records, after, head };
        return gap === undefined ? page : { ...page, gap };
      },
      follow(listener) {
        // Its own function: two followers that share one listener are two.
        const heard: typeof listener = (news) => listener(news);
        own.listeners.add(heard);
        const stop = (): void => {
          stops.delete(stop);
          own.listeners.delete(heard);
        };
        stops.add(stop);
        return stop;
      },
      async stat() {
        assertOpen();
        const { epoch, head, tail, bytes, published, duplicates, refused } = own.row;
        return { epoch, head, tail, bytes, published, duplicates, refused };
      },
      async trim(bounds) {
        assertOpen();
        const step = () =>
          writer.inTurn(async () => {
            if (own.isClosed || !own.isStored) return 0;
            const { tail } = own.row;
            const { row } = await writer.write('a trim', () => trim(tables, own.row, bounds), dropped);
            own.row = row;
            own.identities?.forget(own.row.tail);
            return own.row.tail - tail;
          });
        // What comes meanwhile is the next trim's: on a busy channel this one would never end.
        const { head } = own.row;
        let all = 0;
        for (let some = await step(); some > 0; some = await step()) {
          all += some;
          if (own.row.tail > head) break;
        }
        return all;
      },
      async close() {
        isLogClosed = true;
        for (const stop of stops) stop();
      },
    } satisfies Log;
  }
}

function otherChannel(held: string, asked: string): Failure {
  return new Failure(
    'StorageFailed',
    `this object holds the channel "${held}" and was asked for "${asked}": each channel has an object of its own name`,
  );
}
