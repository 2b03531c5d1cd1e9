// Events of a channel, from the messages of its stream.
import type { LogRecord } from '@godwit/core';
import { decodeBody, decodeHead } from './head.ts';
import type { Replica, Segment } from './replica.ts';
import type { Stream } from './stream.ts';

/** The most UTF-16 units of JSON on a page, unless its first record alone is larger. */
const pageSizeMax = 256 * 1024;
/** Messages that are asked for at once: a page of small commits takes some round trips, not hundreds. */
const readsAtOnce = 32;

/** What a replica knows of, read. Undefined where it is no longer held: another relay has trimmed it. */
export interface Reading {
  /** A page of what is behind a sequence that is held, or just before. */
  behind(after: number, limit: number): Promise<readonly LogRecord[] | undefined>;
  /** Reads single records: a batch that is sent again hits the same commit a thousand times, which is read once. */
  finder(): (sequence: number) => Promise<LogRecord | undefined>;
}

/** Reads a stream by its replica. */
export function openReading(stream: Stream, replica: Replica): Reading {
  return {
    async behind(after, limit) {
      const records: LogRecord[] = [];
      if (after >= (replica.head?.head ?? 0)) return records;
      let size = 0;
      const { segments } = replica;
      for (let from = replica.indexOf(after + 1); from < segments.length;) {
        const run = enough(segments.slice(from, from + readsAtOnce), limit - records.length, after);
        for (const its of await Promise.all(run.map(recordsOf))) {
          if (its === undefined) return undefined;
          for (const record of its) {
            if (record.sequence <= after) continue;
            size += record.json.length;
            if (records.length === limit || (size > pageSizeMax && records.length > 0)) return records;
            records.push(record);
          }
        }
        from += run.length;
      }
      return records;
    },
    finder() {
      let page: readonly LogRecord[] = [];
      return async (sequence) => {
        const isHere = recordIn(page, sequence);
        if (isHere !== undefined) return isHere;
        const segment = replica.segments[replica.indexOf(sequence)];
        page = segment === undefined ? [] : ((await recordsOf(segment)) ?? []);
        return recordIn(page, sequence);
      };
    },
  };

  async function recordsOf({ number }: Segment): Promise<readonly LogRecord[] | undefined> {
    const message = await stream.read(number);
    const head = message === undefined ? undefined : decodeHead(message.head);
    return message === undefined || head === undefined ? undefined : decodeBody(message.body, head);
  }
}

function recordIn(records: readonly LogRecord[], sequence: number): LogRecord | undefined {
  return records[sequence - (records[0]?.sequence ?? 0)];
}

/** As few of them as fill a page: so many events behind a sequence, or so many bytes. */
function enough(segments: readonly Segment[], limit: number, after: number): readonly Segment[] {
  let [events, bytes] = [0, 0];
  const end = segments.findIndex(({ first, n, size }) => {
    const isFull = events > limit || bytes > pageSizeMax;
    events += first + n - Math.max(first, after + 1);
    bytes += size;
    return isFull;
  });
  return end < 0 ? segments : segments.slice(0, Math.max(1, end));
}
