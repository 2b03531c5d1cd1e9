// record, merge, confirm, and reading what they wrote: the log's statements, each prepared once.
import type { DatabaseSync } from 'node:sqlite';
import {
  entriesOf,
  headOfOwn,
  lastPosition,
  ownEventsOf,
  segmentAt,
  trimmedBehind,
  type Confirmation,
  type LogEntry,
  type LogRun,
  type MergePage,
  type OwnEvent,
  type OwnSegment,
  type PageSegment,
  type Position,
  type Segment,
  type TrimMark,
  type FailureJson,
  type WrittenEvents,
} from '@godwit/core';
import { segmentColumns, segmentsOf } from './segment.ts';
import { createTextWriter, textOf, toJson, toKey } from './text.ts';

/** How much of the log one read brings into memory, in bytes, beyond its first segment. */
const readBytesMax = 1024 * 1024;

/** A segment whose events are text already: a JSON array, or as they were published. */
export interface WrittenSegment {
  readonly segment: Omit<Segment, 'events'>;
  readonly events: string | WrittenEvents;
}

/** The log, by what is done to it. Whatever writes is called within a transaction. */
export interface LogTables {
  /** Appends segments and answers their numbers; undefined where a page was merged already, and then nothing is changed. */
  append(segments: readonly WrittenSegment[]): readonly number[] | undefined;
  /** Moves the cursors that a page moves. */
  moveRead(page: MergePage): void;
  confirm(confirmation: Confirmation): void;
  refusals(ids: readonly string[]): readonly (FailureJson | null)[];
  read(after: Position, limit: number): LogRun;
  own(channel: string, after: Position, limit: number): readonly OwnEvent[];
}

/** Makes the events' JSON before the transaction begins, which is the shorter for it. */
export function written(segment: PageSegment): WrittenSegment {
  return { segment, events: toJson(segment.events) };
}

/** Own events' JSON is mostly made already. */
export function writtenOwn(own: OwnSegment): WrittenSegment {
  return { segment: headOfOwn(own), events: own.written ?? toJson(own.events) };
}

/** Prepares the log's statements. */
export function prepareLog(
  database: DatabaseSync,
  { newest, mark }: { readonly newest: () => number; readonly mark: () => TrimMark | undefined },
): LogTables {
  const insert = database.prepare(
    `INSERT INTO log (segment, channel, n, bytes, at, out, after, last, gap, page, events)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))
     ON CONFLICT (after) WHERE after IS NOT NULL DO NOTHING`,
  );
  const utf8Of = createTextWriter();
  const moveRead = database.prepare(
    'INSERT INTO channels (name, read) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET read = ?2',
  );
  const moveEcho = database.prepare('UPDATE channels SET echo = ? WHERE name = ?');
  const moveRecheck = database.prepare('UPDATE channels SET recheck = ? WHERE name = ?');
  const moveSent = database.prepare(
    'INSERT INTO channels (name, sent) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET sent = ?2',
  );
  const reject = database.prepare('INSERT OR REPLACE INTO rejected (id, channel, event, failure) VALUES (?, ?, ?, ?)');
  const refusalOf = database.prepare('SELECT failure FROM rejected WHERE id = ?');
  const from = database.prepare(`SELECT ${segmentColumns} FROM log WHERE segment >= ? ORDER BY segment`);
  const sizeBehind = database.prepare('SELECT n, gap FROM log WHERE segment > ? ORDER BY segment LIMIT 1');
  const ownFrom = database.prepare(`SELECT ${segmentColumns} FROM log WHERE out = ? AND segment >= ? ORDER BY segment`);

  return {
    append(segments) {
      const first = newest() + 1;
      for (const [index, segment] of segments.entries()) if (!insertOne(first + index, segment)) return undefined;
      return segments.map((_, index) => first + index);
    },

    moveRead({ channel, last, echo, recheckTo }) {
      const name = toKey(channel);
      moveRead.run(name, toJson(last));
      if (echo !== undefined) moveEcho.run(echo, name);
      if (recheckTo !== undefined) moveRecheck.run(recheckTo === null ? null : toJson(recheckTo), name);
    },

    confirm({ channel, sent, rejected }) {
      const name = toKey(channel);
      for (const { event, failure } of rejected) reject.run(toKey(event.id), name, toJson(event), toJson(failure));
      moveSent.run(name, sent);
    },

    refusals: (ids) =>
      ids.map((id) => {
        const row = refusalOf.get(toKey(id));
        return row === undefined ? null : JSON.parse(textOf(row['failure']));
      }),

    read(after, limit) {
      const entries: LogEntry[] = [];
      let next = after;
      let bytes = 0;
      const trimmed = trimmedBehind(mark(), after);
      for (const segment of segmentsOf(from.iterate(segmentAt(after + 1)))) {
        if (entries.length > 0 && bytes >= readBytesMax) return { entries, next, atHead: false, ...trimmed };
        for (const entry of entriesOf(segment)) {
          if (entry.position <= after) continue;
          if (entries.length === limit) return { entries, next, atHead: false, ...trimmed };
          entries.push(entry);
          next = entry.position;
        }
        next = lastPosition(segment.segment);
        bytes += segment.bytes;
        // Read in part, a segment's JSON would be parsed again for the rest of it.
        const room = limit - entries.length;
        if (room < limit && segment.n > room && entriesBehind(segment.segment) > room) {
          return { entries, next, atHead: false, ...trimmed };
        }
      }
      return { entries, next, atHead: true, ...trimmed };
    },

    own(channel, after, limit) {
      const events: OwnEvent[] = [];
      let bytes = 0;
      for (const segment of segmentsOf(ownFrom.iterate(toKey(channel), segmentAt(after)))) {
        const own = ownEventsOf(segment, after);
        if (own.length === 0) continue;
        events.push(...own);
        bytes += segment.bytes;
        if (events.length >= limit || bytes >= readBytesMax) break;
      }
      return events.slice(0, limit);
    },
  };

  /** How many entries the next segment has; 0: there is none, or it has none. */
  function entriesBehind(segment: number): number {
    const { n = 0, gap = null } = sizeBehind.get(segment) ?? {};
    return Number(n) + (gap === null ? 0 : 1);
  }

  function insertOne(number: number, { segment, events }: WrittenSegment): boolean {
    const { channel, n, bytes, at, out, after, last, offsets, echoes, gap } = segment;
    const { changes } = insert.run(
      number,
      toKey(channel),
      n,
      bytes,
      at,
      out === undefined ? null : toKey(out),
      after === undefined ? null : toKey(after),
      last === undefined ? null : toJson(last),
      gap === undefined ? null : toJson(gap),
      after === undefined ? null : toJson({ offsets, echoes }),
      typeof events === 'string' ? events : utf8Of(events.text, bytes + events.n),
    );
    return changes === 1;
  }
}
