// A row of the log as the segment that it was.
import type { Segment, StoredSegment } from '@godwit/core';
import { fromKey, textOf } from './text.ts';

/** What `segmentsOf` reads. */
export const segmentColumns = 'segment, channel, n, bytes, at, out, last, gap, page, events';

/** A row as node:sqlite answers it. */
export type Row = Readonly<Record<string, unknown>>;

/** The segments of these rows, one at a time: whoever stops reading leaves the rest on the disk. */
export function* segmentsOf(rows: Iterable<Row>): Generator<StoredSegment, undefined> {
  for (const row of rows) yield segmentOf(row);
}

/** What the columns hold is what this release wrote: the file's version says so. */
function segmentOf({ segment, channel, n, bytes, at, out, last, gap, page, events }: Row): StoredSegment {
  const text = textOf(events);
  const offsets: Pick<Segment, 'offsets' | 'echoes'> = page === null ? {} : JSON.parse(textOf(page));
  return {
    v: 1,
    segment: Number(segment),
    channel: fromKey(channel),
    n: Number(n),
    bytes: Number(bytes),
    at: Number(at),
    // A page's, and own ones of an older release, are an array.
    events: text.startsWith('[') ? JSON.parse(text) : text,
    ...(out === null ? {} : { out: fromKey(out) }),
    ...(last === null ? {} : { last: JSON.parse(textOf(last)) }),
    ...(gap === null ? {} : { gap: JSON.parse(textOf(gap)) }),
    ...offsets,
  };
}
