// read: a page of records behind a sequence, from the segments that hold them.
import type { LogRecord } from '@godwit/core/protocol';
import type { Tables } from './tables.ts';

/** The most UTF-16 units of JSON on a page, unless its first record alone is larger. */
const pageSizeMax = 256 * 1024;

/** What to read. */
export interface ReadBounds {
  readonly after: number;
  /** The newest sequence that is known to be on disk: what stands beyond it is on its way there, and nobody's yet. */
  readonly head: number;
  readonly limit: number;
}

/** Reads a page. */
export function readRecords(
  tables: Pick<Tables, 'segments'>,
  { after, head, limit }: ReadBounds,
): readonly LogRecord[] {
  const last = Math.min(head, after + limit);
  const records: LogRecord[] = [];
  if (after >= last) return records;
  let size = 0;
  for (const segment of tables.segments(after + 1)) {
    for (const record of segment) {
      if (record.sequence <= after) continue;
      size += record.json.length;
      if (record.sequence > last || (records.length > 0 && size > pageSizeMax)) return records;
      records.push(record);
    }
  }
  return records;
}
