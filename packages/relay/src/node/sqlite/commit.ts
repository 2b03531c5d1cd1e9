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

/**
 * A segment's bounds: whoever resumes reads one as a whole for the first event behind its place, and trimming drops it as a
 * whole. A usual batch, and what comes in one tick, are one; a record that is larger is one alone.
 */
const segmentEventsMax = 128;
const segmentBytesMax = 64 * 1024;

/** What a transaction has written of a channel so far. */
interface Draft {
  row: ChannelRow;
  /** The segment that the next records go into. */
  records: LogRecord[];
  bytes: number;
}

/**
 * Writes the jobs, in their order. Runs inside a transaction, and changes no state: that moves when it is committed. Appends
 * to one channel share its segment and its row: sixty-four at once cost little more than one.
 */
export function writeJobs(
  jobs: readonly Job[],
  tables: Tables,
  now: number,
): { readonly written: readonly Written[]; readonly rows: ReadonlyMap<ChannelState, ChannelRow> } {
  const drafts = new Map<ChannelState, Draft>();
  const written = jobs.map((job) => {
    const draft = drafts.get(job.state) ?? beginDraft(job.state, tables);
    drafts.set(job.state, draft);
    return writeJob(job, draft, tables, now);
  });
  const rows = new Map<ChannelState, ChannelRow>();
  for (const [state, draft] of drafts) {
    endSegment(draft, tables, now);
    tables.updateChannel(draft.row);
    rows.set(state, draft.row);
  }
  return { written, rows };
}

function beginDraft({ name, row }: ChannelState, tables: Tables): Draft {
  const id = row.id === 0 ? tables.insertChannel(name, row) : row.id;
  return { row: { ...row, id, live: 1 }, records: [], bytes: 0 };
}

function writeJob(job: Job, draft: Draft, tables: Tables, now: number): Written {
  const { state, events, refused } = job;
  const { row } = draft;
  let { head, bytes } = row;
  const records: LogRecord[] = [];
  const outcomes = events.map((event): Appended => {
    const [source, eventId] = [escapeText(event.source), escapeText(event.id)];
    if (!tables.insertId(row.id, source, eventId, head + 1)) {
      return { status: 'duplicate', sequence: tables.sequenceOf(row.id, source, eventId) };
    }
    head += 1;
    const record = encodeRecord(event, state.name, head);
    records.push(record);
    bytes += keep(record, draft, tables, now);
    return { status: 'appended', sequence: head };
  });
  draft.row = {
    ...row,
    head,
    bytes,
    published: row.published + records.length,
    duplicates: row.duplicates + events.length - records.length,
    refused: row.refused + refused,
  };
  return { job, outcomes, records };
}

/** Answers the record's size. */
function keep(record: LogRecord, draft: Draft, tables: Tables, now: number): number {
  const bytes = utf8Length(record.json);
  if (draft.records.length === segmentEventsMax || draft.bytes + bytes > segmentBytesMax)
    endSegment(draft, tables, now);
  draft.records.push(record);
  draft.bytes += bytes;
  return bytes;
}

function endSegment(draft: Draft, tables: Tables, now: number): void {
  const { row, records, bytes } = draft;
  const [first] = records;
  if (first === undefined) return;
  const segment = { first: first.sequence, n: records.length, at: now, bytes, ...encodeSegment(records) };
  tables.insertSegment(row.id, segment);
  draft.records = [];
  draft.bytes = 0;
}
