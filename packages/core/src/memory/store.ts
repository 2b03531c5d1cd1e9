// What a device remembers, in memory: the reference that every other Store is held against, and where there is no disk.
import { Failure } from '../failure.ts';
import type { ChannelState, Confirmation, LogEntry, OwnEvent, Position, Store } from '../ports/store.ts';
import type { DeviceStore, TaskStore } from '../ports/tasks.ts';
import type { World } from '../ports/world.ts';
import {
  afterKey,
  entriesOf,
  firstPosition,
  lastPosition,
  ownEventsOf,
  pendingOf,
  segmentAt,
  segmentOfOwn,
  segmentOfPage,
  type Segment,
  type StoredSegment,
} from './segment.ts';
import { memoryTable, type MemoryTasks } from './tasks/memory-table.ts';
import { doNow, type Steps } from './tasks/steps.ts';
import { taskStoreOf } from './tasks/task-store.ts';
import { headOf, trim, trimmedBehind, type TrimMark } from './trim.ts';

/** A device's database: several tabs open stores on it. It lives as long as whoever holds it. */
export interface MemoryDatabase {
  /** What is in it; replaced as a whole when it is destroyed, so that stores which were open see that it has gone. */
  contents: MemoryContents;
}

/** What a database holds. */
export interface MemoryContents {
  deviceId: string | undefined;
  /** In the order of the commits, the oldest first. */
  log: StoredSegment[];
  /** The number of the newest segment that there ever was. */
  newest: number;
  /** The merged pages: from `channel@after` to `last`. */
  readonly pages: Map<string, string>;
  readonly cursors: Map<string, MemoryCursors>;
  readonly rejected: Map<string, Confirmation['rejected'][number]>;
  readonly tasks: MemoryTasks;
  mark: TrimMark | undefined;
}

/** One channel's cursors. */
export interface MemoryCursors {
  sent?: Position;
  echo?: Position;
  read?: string;
  recheckTo?: string;
}

/** Makes an empty database. */
export function createMemoryDatabase(): MemoryDatabase {
  return { contents: emptyContents() };
}

/** Opens a database, as one tab does. */
export function openMemoryStore(database: MemoryDatabase, world: Pick<World, 'id'>): DeviceStore {
  const mine = database.contents;
  mine.deviceId ??= world.id();
  const { deviceId, pages, cursors, rejected } = mine;
  const table = memoryTable(mine.tasks);
  const tasks = taskStoreOf(async (_what, work) => now(work(table)));
  let closed = false;

  // Each method does its work before it first waits, and copies what it is given before it changes anything: that makes
  // it one transaction.
  return {
    ...tasks,
    advance: async (step) => tasks.advance(keep(step)),
    cancelAhead: async (row) => tasks.cancelAhead(keep(row)),

    async state(only) {
      use();
      const channels = emptyRecord<ChannelState>();
      const all = [...cursors.keys(), ...mine.log.flatMap(({ out }) => out ?? [])];
      const names = new Set(only === undefined ? all : [only]);
      for (const channel of names) channels[channel] = stateOf(channel);
      return { deviceId, head: headOf(mine.newest, undefined), channels };
    },

    async record(segments) {
      use();
      return append(segments.map(segmentOfOwn)).map(firstPosition);
    },

    async merge(page) {
      use();
      const key = afterKey(page.channel, page.after);
      if (pages.has(key)) return 'fenced';
      append([segmentOfPage(page)]);
      pages.set(key, page.last);
      const own = cursorsOf(page.channel);
      own.read = page.last;
      if (page.echo !== undefined) own.echo = page.echo;
      if (page.recheckTo === null) delete own.recheckTo;
      else if (page.recheckTo !== undefined) own.recheckTo = page.recheckTo;
      return 'merged';
    },

    async confirm({ channel, sent, rejected: refused }) {
      use();
      const copies = keep(refused);
      cursorsOf(channel).sent = sent;
      for (const copy of copies) rejected.set(copy.event.id, copy);
    },

    async refusals(ids) {
      use();
      return ids.map((id) => rejected.get(id)?.failure ?? null);
    },

    async read(after, limit) {
      use();
      const entries: LogEntry[] = [];
      let next = after;
      const trimmed = trimmedBehind(mine.mark, after);
      for (const segment of segmentsFrom(segmentAt(after))) {
        for (const entry of entriesOf(segment)) {
          if (entry.position <= after) continue;
          if (entries.length === limit) return { entries: keep(entries), next, atHead: false, ...trimmed };
          entries.push(entry);
          next = entry.position;
        }
        next = Math.max(next, lastPosition(segment.segment));
      }
      return { entries: keep(entries), next, atHead: true, ...trimmed };
    },

    async own(channel, after, limit) {
      use();
      const events: OwnEvent[] = [];
      for (const segment of segmentsFrom(segmentAt(after))) {
        if (segment.out === channel) events.push(...ownEventsOf(segment, after));
        if (events.length >= limit) break;
      }
      return keep(events.slice(0, limit));
    },

    trim: async (request) =>
      now(
        trim(
          {
            mark: () => mine.mark,
            putMark: (mark) => (mine.mark = mark),
            records: table.records,
            putRecord: table.putRecord,
            segments: (from, limit) => segmentsFrom(from).slice(0, limit),
            sent: (channel) => cursors.get(channel)?.sent ?? 0,
            remove(gone) {
              const numbers = new Set(gone.map(({ segment }) => segment));
              for (const { after } of mine.log.filter(({ segment }) => numbers.has(segment)))
                if (after !== undefined) pages.delete(after);
              mine.log = mine.log.filter(({ segment }) => !numbers.has(segment));
            },
          },
          request,
        ),
      ),

    async close() {
      closed = true;
    },

    async destroy() {
      closed = true;
      if (database.contents === mine) database.contents = emptyContents();
    },
  } satisfies Store & TaskStore;

  function stateOf(channel: string): ChannelState {
    const { sent = 0, echo = 0, recheckTo, read } = cursors.get(channel) ?? {};
    let pendingEvents = 0;
    let pendingBytes = 0;
    for (const segment of mine.log) {
      if (segment.out !== channel || lastPosition(segment.segment) <= sent) continue;
      const pending = pendingOf(segment, sent);
      pendingEvents += pending.pendingEvents;
      pendingBytes += pending.pendingBytes;
    }
    return { sent, echo, read: repaired(channel, read), recheckTo, pendingEvents, pendingBytes };
  }

  /** Each page says behind which offset it begins: following them from a cursor that was moved back leads to the newest. */
  function repaired(channel: string, read: string | undefined): string | undefined {
    const seen = new Set<string>();
    let offset = read;
    while (offset !== undefined && !seen.has(offset)) {
      // A relay that went back within its epoch makes a circle of pages, which must not hold us for ever.
      seen.add(offset);
      const next = pages.get(afterKey(channel, offset));
      if (next === undefined) return offset;
      offset = next;
    }
    return read;
  }

  function append(segments: readonly Segment[]): number[] {
    const stored = keep(segments).map((segment, index) => ({ ...segment, segment: mine.newest + 1 + index }));
    mine.newest += stored.length;
    mine.log.push(...stored);
    return stored.map(({ segment }) => segment);
  }

  function cursorsOf(channel: string): MemoryCursors {
    const known = cursors.get(channel) ?? {};
    cursors.set(channel, known);
    return known;
  }

  /** The segments from a number on. Holes are only where something was trimmed, so none lies behind its own number. */
  function segmentsFrom(number: number): readonly StoredSegment[] {
    let [first, end] = [0, Math.min(number, mine.log.length)];
    while (first < end) {
      const middle = Math.floor((first + end) / 2);
      if ((mine.log[middle]?.segment ?? 0) < number) first = middle + 1;
      else end = middle;
    }
    return mine.log.slice(first);
  }

  function now<Result>(steps: Steps<Result>): Result {
    use();
    return keep(doNow(steps));
  }

  function use(): void {
    if (closed) throw new Failure('Closed', 'the store is closed; open another');
    if (database.contents !== mine) {
      throw new Failure('Closed', 'the database was destroyed, perhaps in another tab; create another runtime');
    }
  }
}

function emptyContents(): MemoryContents {
  return {
    deviceId: undefined,
    log: [],
    newest: 0,
    pages: new Map(),
    cursors: new Map(),
    rejected: new Map(),
    tasks: { records: new Map(), rows: new Map() },
    mark: undefined,
  };
}

/** A record whose every key is a channel: `constructor` is a channel's name like any other. */
function emptyRecord<Value>(): Record<string, Value> {
  const record: Record<string, Value> = Object.create(null);
  return record;
}

/** A copy, as a disk makes one: what the caller changes later is not what was stored, nor what is read next. */
function keep<Value>(value: Value): Value {
  try {
    return structuredClone(value);
  } catch (error) {
    throw new Failure('StorageFailed', 'an event could not be copied, so nothing was stored; is it plain JSON?', {
      cause: error,
    });
  }
}
