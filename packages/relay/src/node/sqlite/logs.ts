// The relay's logs on Node: one SQLite file, written by this thread, one transaction per tick for whoever appends in it.
import type { DatabaseSync } from 'node:sqlite';
import { Failure, type Appended, type Log, type LogPage, type LogRecord, type Logs, type World } from '@godwit/core';
import { decodeSegment, epochOf, resolvePosition } from '@godwit/core/feed';
import { markClosed, type BegunAnew } from './boot.ts';
import { countOn, writeJobs, type ChannelState, type Job } from './commit.ts';
import { isFullDisk, openDatabase, type DatabaseOptions, type Durability } from './database.ts';
import { newMark, renewMark } from './mark.ts';
import { roomFor, type Disk } from './room.ts';
import { prepareTables } from './tables.ts';
import { attempt, prepareTransactions } from './transaction.ts';
import { purgeSome, trimSome } from './trim.ts';

/** The most UTF-16 units of JSON on a page, unless its first record alone is larger. */
const pageSizeMax = 256 * 1024;

/** How much the file must take before it counts as having room again: an event of the default limit. */
const probeBytes = 256 * 1024;

/**
 * How old a copy of a file that was in use is noticed, if the relay is killed before it comes back: a mark that is changed costs a
 * wait for the disk, once a minute at most and only where events come.
 */
const markEveryMs = 60_000;

/** Logs that know whether they can take more. */
export interface SqliteLogs extends Logs {
  /** Rejects with `StorageFailed` while there is no room: from the start, or from an append that failed for want of it, until one would succeed. */
  ready(): Promise<void>;
  /** Why every log has begun a new epoch, if it has. */
  readonly begunAnew: BegunAnew | undefined;
  /** What an acknowledgement survives: never less than was asked for. */
  readonly durability: Durability;
  /** The open file, for what is kept beside the logs. One thread works on it, one transaction at a time. */
  readonly database: DatabaseSync;
}

/**
 * Opens the logs in a file, which no other process may have open.
 *
 * @throws Failure `StorageFailed`, saying what is wrong with the file
 */
export function openSqliteLogs(
  options: DatabaseOptions & {
    readonly world: World;
    /** How much room there is; as the file system says, unless told. */
    readonly disk?: () => Disk;
  },
): SqliteLogs {
  const { world, path, disk } = options;
  const { database, begunAnew, durability } = openDatabase(options, {
    epoch: epochOf(world.id()),
    mark: newMark(world.id()),
  });
  const tables = prepareTables(database);
  const firstEpoch = tables.epoch();
  const transact = prepareTransactions(database);
  const room = roomFor(database, { path, now: () => world.now(), disk });
  const states = new Map<string, ChannelState>();
  let jobs: Job[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let purging: NodeJS.Immediate | undefined;
  let isClosed = false;
  // Until a try has shown that there is room: a start on a full disk finds it as it was left.
  let mayBeFull = true;
  let markedAt = world.now();
  purgeLater();

  return {
    async open(channel) {
      assertOpen();
      return openLog(stateOf(channel));
    },
    async channels() {
      assertOpen();
      return attempt('cannot list the channels', () => tables.liveChannels());
    },
    async remove(channel) {
      assertOpen();
      commit();
      const { row } = stateOf(channel);
      if (row.live === 0) return forget(channel, false);
      transact(`cannot remove "${channel}"`, () => {
        tables.disown(row.id);
        // Kept without a single event, so that the next log of this name is in an epoch of its own.
        tables.insertChannel(channel, emptyRow(epochOf(world.id())));
      });
      purgeLater();
      return forget(channel, true);
    },
    begunAnew,
    durability,
    database,
    async ready() {
      assertOpen();
      if (!mayBeFull) return;
      // Tried here too: where nobody sends a relay events until it is ready, no append would ever succeed.
      room.within(() => transact('cannot take events', () => tables.fill(probeBytes)));
      transact('cannot take events', () => tables.empty());
      mayBeFull = false;
    },
    async close() {
      if (isClosed) return;
      commit();
      isClosed = true;
      clearImmediate(scheduled);
      clearImmediate(purging);
      markClosed(database, path, newMark(world.id()));
      database.close();
    },
  } satisfies SqliteLogs;

  function openLog(state: ChannelState): Log {
    const stops = new Set<() => void>();
    let isLogClosed = false;
    state.openings += 1;
    const assertLogOpen = (): void => {
      assertOpen();
      if (isLogClosed || state.isRemoved) throw closed(`the log of "${state.name}" is closed`);
    };
    return {
      append: (events, refused) =>
        new Promise<readonly Appended[]>((resolve, reject) => {
          assertLogOpen();
          jobs.push({ state, events, refused, resolve, reject });
          // After this tick's input has been read: whoever posted in it shares the wait for the disk.
          scheduled ??= setImmediate(commit);
        }),
      async read(position, limit) {
        assertLogOpen();
        const { epoch, head, tail } = state.row;
        const { after, gap } = resolvePosition(position, { epoch, head, tail });
        const records = attempt(`cannot read "${state.name}"`, () => readRecords(state, after, limit));
        const page: LogPage = { epoch, records, after, head };
        return gap === undefined ? page : { ...page, gap };
      },
      follow(listener) {
        const own = (news: { readonly records: readonly LogRecord[] }): void => listener(news);
        state.listeners.add(own);
        const stop = (): void => {
          stops.delete(stop);
          state.listeners.delete(own);
        };
        stops.add(stop);
        return stop;
      },
      async stat() {
        assertLogOpen();
        const { epoch, head, tail, bytes, published, duplicates, refused } = state.row;
        return { epoch, head, tail, bytes, published, duplicates, refused };
      },
      async trim(bounds) {
        assertLogOpen();
        const { head, tail } = state.row;
        for (;;) {
          const { row } = state;
          const trimmed = transact(`cannot trim "${state.name}"`, () => trimSome(tables, row, bounds));
          state.row = trimmed;
          // What came meanwhile is the next trim's: on a busy channel this one would never end.
          if (trimmed.tail === row.tail || trimmed.tail > head) return trimmed.tail - tail;
          await new Promise((resolve) => setImmediate(resolve));
          if (isClosed || state.isRemoved) return trimmed.tail - tail;
        }
      },
      async close() {
        if (isLogClosed) return;
        isLogClosed = true;
        for (const stop of stops) stop();
        state.openings -= 1;
        if (state.openings === 0 && !state.isRemoved && !jobs.some((job) => job.state === state))
          states.delete(state.name);
      },
    } satisfies Log;
  }

  function stateOf(name: string): ChannelState {
    const known = states.get(name);
    if (known !== undefined) return known;
    const stored = attempt(`cannot open "${name}"`, () => tables.channel(name)) ?? emptyRow(firstEpoch);
    const row = attempt(`cannot open "${name}"`, () => countOn(stored, tables));
    const state = { name, row, storedHead: stored.head, listeners: new Set<never>(), openings: 0, isRemoved: false };
    states.set(name, state);
    return state;
  }

  function forget(name: string, isRemoved: boolean): boolean {
    const state = states.get(name);
    if (state !== undefined && isRemoved) state.isRemoved = true;
    if (isRemoved || state?.openings === 0) states.delete(name);
    return isRemoved;
  }

  function commit(): void {
    clearImmediate(scheduled);
    scheduled = undefined;
    const group = jobs;
    jobs = [];
    if (group.length === 0) return;
    remark();
    let done: ReturnType<typeof writeJobs>;
    try {
      done = room.within(() => transact('cannot append', () => writeJobs(group, tables, world.now())));
      mayBeFull = false;
    } catch (error) {
      mayBeFull = isFullDisk(error);
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { state, row, storedHead } of done) {
      room.took(row.bytes - state.row.bytes);
      state.row = row;
      state.storedHead = storedHead;
    }
    for (const { written } of done) {
      for (const { job, outcomes, records } of written) {
        job.resolve(outcomes);
        if (records.length > 0) for (const listener of job.state.listeners) listener({ records });
      }
    }
  }

  function remark(): void {
    const now = world.now();
    // The clock may have been set back: by less than this, the mark is changed a little later.
    if (Math.abs(now - markedAt) < markEveryMs) return;
    markedAt = now;
    try {
      renewMark(path, database, newMark(world.id()));
    } catch {
      // On a full disk, say: the mark before it goes on to count, and the append itself says what is wrong.
    }
  }

  function readRecords(state: ChannelState, after: number, limit: number): readonly LogRecord[] {
    const records: LogRecord[] = [];
    let size = 0;
    if (after >= state.row.head) return records;
    for (const segment of tables.segmentsFrom(state.row.id, after + 1)) {
      for (const record of decodeSegment(segment, segment.first)) {
        if (record.sequence <= after) continue;
        size += record.json.length;
        if (records.length === limit || (size > pageSizeMax && records.length > 0)) return records;
        records.push(record);
      }
    }
    return records;
  }

  /** Deletes what removed channels have left, a little at a time, also what an earlier process did not get to. */
  function purgeLater(): void {
    purging ??= setImmediate(() => {
      purging = undefined;
      try {
        const id = tables.deadChannel();
        if (id === undefined) return;
        transact('cannot delete a removed channel', () => purgeSome(tables, id));
        purgeLater();
      } catch {
        // It takes room and harms nobody; the next removal or start tries again.
      }
    });
  }

  function assertOpen(): void {
    if (isClosed) throw closed(`the logs in ${path} are closed`);
  }
}

function emptyRow(epoch: string): ChannelState['row'] {
  return { id: 0, live: 0, epoch, head: 0, tail: 1, bytes: 0, published: 0, duplicates: 0, refused: 0 };
}

function closed(message: string): Failure {
  return new Failure('Closed', message);
}
