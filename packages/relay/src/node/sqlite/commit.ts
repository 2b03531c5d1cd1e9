// append: every append of one tick, of all channels, in one transaction: one wait for the disk, however many wait.
import { utf8Length, type Appended, type CloudEvent, type LogRecord } from '@godwit/core';
import { encodeRecord, encodeSegment, escapeText } from '@godwit/core/feed';
import type { ChannelRow, Tables } from './tables.ts';

/** A channel as this process knows it: what is committed, and who listens. */
export interface ChannelState {
  readonly name: string;
  /** Its id is 0 until there is a row. */
  row: ChannelRow;
  readonly listeners: Set<(news: { readonly records: readonly LogRecord[] }) => void>;
  /** Logs of it that are open. */
  openings: number;
  isRemoved: boolean;
}

/** An append that waits for its commit. */
export interface Job {
  readonly state: ChannelState;
  readonly events: readonly CloudEvent[];
  readonly refused: number;
  resolve(outcomes: readonly Appended[]): void;
  reject(error: unknown): void;
}

/** What a job came to, if the transaction commits. */
export interface Written {
  readonly job: Job;
  readonly outcomes: readonly Appended[];
  readonly records: readonly LogRecord[];
}

/** Writes the jobs, in their order. Runs inside a transaction, and changes no state: that moves when it is committed. */
export function writeJobs(
  jobs: readonly Job[],
  tables: Tables,
  now: number,
): { readonly written: readonly Written[]; readonly rows: ReadonlyMap<ChannelState, ChannelRow> } {
  const rows = new Map<ChannelState, ChannelRow>();
  const written = jobs.map((job) => {
    const { state, events, refused } = job;
    const before = rows.get(state) ?? state.row;
    const id = before.id === 0 ? tables.insertChannel(state.name, before) : before.id;
    let { head } = before;
    const records: LogRecord[] = [];
    const outcomes = events.map((event): Appended => {
      const [source, eventId] = [escapeText(event.source), escapeText(event.id)];
      if (!tables.insertId(id, source, eventId, head + 1)) {
        return { status: 'duplicate', sequence: tables.sequenceOf(id, source, eventId) };
      }
      head += 1;
      records.push(encodeRecord(event, state.name, head));
      return { status: 'appended', sequence: head };
    });
    const bytes = records.reduce((sum, { json }) => sum + utf8Length(json), 0);
    const first = before.head + 1;
    if (records.length > 0) {
      tables.insertSegment(id, { first, n: records.length, at: now, bytes, ...encodeSegment(records) });
    }
    const row = {
      ...before,
      id,
      live: 1,
      head,
      bytes: before.bytes + bytes,
      published: before.published + records.length,
      duplicates: before.duplicates + events.length - records.length,
      refused: before.refused + refused,
    };
    tables.updateChannel(row);
    rows.set(state, row);
    return { job, outcomes, records };
  });
  return { written, rows };
}
