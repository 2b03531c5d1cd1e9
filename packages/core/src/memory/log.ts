// The reference of `Log`: arrays and a map. Read it first; every other adapter keeps what this one does.
import type { CloudEvent } from '../event/cloudevent.ts';
import { identityOf } from '../event/cloudevent.ts';
import { utf8Length } from '../event/json.ts';
import { Failure } from '../failure.ts';
import type { Appended, Log, LogNews, LogPage, LogRecord, Logs, LogStat } from '../ports/log.ts';
import type { World } from '../ports/world.ts';
import { epochOf, resolvePosition } from '../protocol/offset.ts';
import { encodeRecord } from '../protocol/record.ts';

/** The most UTF-16 units of JSON on a page, unless its first record alone is larger. */
const pageSizeMax = 256 * 1024;

/** One append: what is trimmed together. */
interface Segment {
  readonly at: number;
  readonly bytes: number;
  readonly identities: readonly string[];
}

/** Who follows a log. */
interface Follower {
  hears(news: LogNews): void;
  ended(): void;
}

/** Everything a channel is. */
interface State {
  readonly epoch: string;
  readonly segments: Segment[];
  readonly records: LogRecord[];
  /** The sequence that each identity held has. */
  readonly sequences: Map<string, number>;
  readonly followers: Set<Follower>;
  head: number;
  bytes: number;
  published: number;
  duplicates: number;
  refused: number;
  isClosed: boolean;
}

/** Logs in memory, and what an operator does with a file of them. */
export interface MemoryLogs extends Logs {
  /**
   * Keeps what all channels hold now. Called, what it answers puts that back, in new epochs, as a relay does that knows of
   * the loss; logs that are open then are closed.
   */
  backUp(): () => void;
}

/** Logs that live as long as this object does. */
export function createMemoryLogs(world: World): MemoryLogs {
  const states = new Map<string, State>();
  let isClosed = false;

  return {
    async open(channel) {
      if (isClosed) throw closed();
      const state = states.get(channel) ?? createState(epochOf(world.id()));
      states.set(channel, state);
      return openLog(channel, state, world);
    },
    async channels() {
      return [...states].flatMap(([name, { published, refused }]) => (published + refused > 0 ? [name] : []));
    },
    async remove(channel) {
      const state = states.get(channel);
      if (state === undefined || state.published + state.refused === 0) return false;
      states.delete(channel);
      end(state);
      return true;
    },
    async close() {
      isClosed = true;
      for (const state of states.values()) state.isClosed = true;
    },
    backUp() {
      const kept = new Map([...states].map(([channel, state]) => [channel, copyOf(state)]));
      return () => {
        const before = [...states.values()];
        states.clear();
        for (const [channel, state] of kept) states.set(channel, { ...copyOf(state), epoch: epochOf(world.id()) });
        for (const state of before) end(state);
      };
    },
  } satisfies MemoryLogs;
}

/** What is stored of a channel: nobody listens to it, and it has no part in what becomes of the other. */
function copyOf(state: State): State {
  const { segments, records, sequences } = state;
  return {
    ...state,
    segments: [...segments],
    records: [...records],
    sequences: new Map(sequences),
    followers: new Set(),
    isClosed: false,
  };
}

/** Another is in its place. */
function end(state: State): void {
  state.isClosed = true;
  for (const { ended } of state.followers) ended();
  state.followers.clear();
}

function openLog(channel: string, state: State, world: World): Log {
  const stops = new Set<() => void>();
  let isClosed = false;
  const assertOpen = (): void => {
    if (isClosed || state.isClosed) throw closed();
  };

  return {
    async append(events, refused) {
      assertOpen();
      const records: LogRecord[] = [];
      const outcomes = events.map((event) => appendOne(channel, state, event, records));
      if (records.length > 0) {
        const bytes = records.reduce((sum, { json }) => sum + utf8Length(json), 0);
        const identities = events.map(identityOf).filter((_, index) => outcomes[index]?.status === 'appended');
        state.segments.push({ at: world.now(), bytes, identities });
        // Not spread: a batch may be larger than a call may have arguments.
        for (const record of records) state.records.push(record);
        state.bytes += bytes;
      }
      state.published += records.length;
      state.duplicates += events.length - records.length;
      state.refused += refused;
      if (records.length > 0) for (const { hears } of state.followers) hears({ records });
      return outcomes;
    },
    async read(position, limit) {
      assertOpen();
      const tail = tailOf(state);
      const { after, gap } = resolvePosition(position, { epoch: state.epoch, head: state.head, tail });
      const from = after + 1 - tail;
      const records = bounded(state.records.slice(from, from + limit));
      const page: LogPage = { epoch: state.epoch, records, after, head: state.head };
      return gap === undefined ? page : { ...page, gap };
    },
    follow(listener, ended) {
      // Of its own: two followers that share one listener are two.
      const own = { hears: (news: LogNews) => listener(news), ended: () => ended?.() };
      state.followers.add(own);
      const stop = (): void => {
        stops.delete(stop);
        state.followers.delete(own);
      };
      stops.add(stop);
      return stop;
    },
    async stat() {
      assertOpen();
      const { epoch, head, bytes, published, duplicates, refused } = state;
      return { epoch, head, tail: tailOf(state), bytes, published, duplicates, refused } satisfies LogStat;
    },
    async trim({ before, bytesMax, eventsMax = Infinity }) {
      assertOpen();
      let dropped = 0;
      for (let oldest = state.segments[0]; oldest !== undefined; oldest = state.segments[0]) {
        const left = state.records.length - dropped - oldest.identities.length;
        if (oldest.at >= before && state.bytes <= bytesMax && left < eventsMax) break;
        state.segments.shift();
        state.bytes -= oldest.bytes;
        dropped += oldest.identities.length;
        for (const identity of oldest.identities) state.sequences.delete(identity);
      }
      state.records.splice(0, dropped);
      return dropped;
    },
    async close() {
      isClosed = true;
      for (const stop of stops) stop();
    },
  } satisfies Log;
}

function appendOne(channel: string, state: State, event: CloudEvent, records: LogRecord[]): Appended {
  const identity = identityOf(event);
  const first = state.sequences.get(identity);
  if (first !== undefined) return { status: 'duplicate', sequence: first };
  state.head += 1;
  state.sequences.set(identity, state.head);
  records.push(encodeRecord(event, channel, state.head));
  return { status: 'appended', sequence: state.head };
}

function tailOf({ head, records }: State): number {
  return head - records.length + 1;
}

function bounded(records: readonly LogRecord[]): readonly LogRecord[] {
  let size = 0;
  const end = records.findIndex(({ json }, index) => (size += json.length) > pageSizeMax && index > 0);
  return end < 0 ? records : records.slice(0, end);
}

function createState(epoch: string): State {
  return {
    epoch,
    segments: [],
    records: [],
    sequences: new Map(),
    followers: new Set(),
    head: 0,
    bytes: 0,
    published: 0,
    duplicates: 0,
    refused: 0,
    isClosed: false,
  };
}

function closed(): Failure {
  return new Failure('Closed', 'this log is closed: its channel was removed, or the relay has ended');
}
