// trim, and what it leaves behind: how far the log has been counted, and which number no segment takes again.
import type { DatabaseSync } from 'node:sqlite';
import type { SegmentHead, TaskTable, TrimMark, TrimTable } from '@godwit/core';
import type { Row } from './segment.ts';
import { fromKey, textOf, toJson, toKey } from './text.ts';

/** The mark of trimming, and the log's newest number. */
export interface TrimMarks {
  mark(): TrimMark | undefined;
  putMark(mark: TrimMark): void;
  /** The number of the newest segment that there ever was; 0: none. */
  newest(): number;
}

/** Prepares what reads and writes them. */
export function prepareMarks(database: DatabaseSync): TrimMarks {
  const readMark = database.prepare("SELECT value FROM meta WHERE key = 'trim'");
  const writeMark = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('trim', ?)");
  const last = database.prepare('SELECT max(segment) AS segment FROM log');
  const mark = (): TrimMark | undefined => {
    const row = readMark.get();
    return row === undefined ? undefined : JSON.parse(textOf(row['value']));
  };
  return {
    mark,
    putMark: (next) => void writeMark.run(toJson(next)),
    // Nothing is trimmed before it is counted: without a count of each commit's own, numbers are still taken once.
    newest: () => Math.max(Number(last.get()?.['segment'] ?? 0), mark()?.counted ?? 0),
  };
}

/** Prepares what a step of trimming asks for. */
export function prepareTrim(database: DatabaseSync, marks: TrimMarks, tasks: TaskTable): TrimTable {
  const heads = database.prepare(
    'SELECT segment, n, bytes, at, out, gap FROM log WHERE segment >= ? ORDER BY segment LIMIT ?',
  );
  const sent = database.prepare('SELECT sent FROM channels WHERE name = ?');
  const remove = database.prepare('DELETE FROM log WHERE segment = ?');
  return {
    mark: () => marks.mark(),
    putMark: (mark) => marks.putMark(mark),
    records: () => tasks.records(),
    putRecord: (record) => tasks.putRecord(record),
    segments: (from, limit) => heads.all(from, limit).map(segmentHead),
    sent: (channel) => Number(sent.get(toKey(channel))?.['sent'] ?? 0),
    remove(segments) {
      for (const { segment } of segments) remove.run(segment);
    },
  };
}

function segmentHead({ segment, n, bytes, at, out, gap }: Row): SegmentHead {
  return {
    segment: Number(segment),
    n: Number(n),
    bytes: Number(bytes),
    at: Number(at),
    ...(out === null ? {} : { out: fromKey(out) }),
    ...(gap === null ? {} : { gap: JSON.parse(textOf(gap)) }),
  };
}
