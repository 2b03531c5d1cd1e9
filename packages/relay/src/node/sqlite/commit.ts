// append: every append of one tick, of all channels, in one transaction: one wait for the disk, however many wait.
import { type Appended, type CloudEvent, type LogRecord } from '@godwit/core';
import { encodeRecord, encodeSegment } from '@godwit/core/feed';
import { idsAtOnce, identityAsText, type ChannelRow, type Tables } from './tables.ts';

/** A channel as this process knows it: what is committed, and who listens. */
export interface ChannelState {
  readonly name: string;
  /** Its id is 0 until there is a row. */
  row: ChannelRow;
  /** The head that the row in the file says: what the segments behind it hold is counted when the channel is opened again. */
  storedHead: number;
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

/**
 * A row may be behind its segments by so many events: to write it costs a commit of one event a fifth, and to count what so
 * many segments hold some hundred microseconds when a channel is opened.
 */
const uncountedMax = 256;

/** What a channel came to, if the transaction commits. */
export interface ChannelCommit {
  readonly state: ChannelState;
  readonly row: ChannelRow;
  readonly storedHead: number;
  readonly written: readonly Written[];
}

/** A channel's row, with what the segments hold that have been written since it was. */
export function countOn(row: ChannelRow, tables: Tables): ChannelRow {
  const { events, bytes } = tables.countBehind(row.id, row.head);
  return { ...row, head: row.head + events, bytes: row.bytes + bytes, published: row.published + events };
}

/**
 * Writes the jobs, those of each channel in their order. Runs inside a transaction, and changes no state: that moves when it is
 * committed. Appends to one channel share its segment and its row: sixty-four at once cost little more than one.
 */
export function writeJobs(jobs: readonly Job[], tables: Tables, now: number): readonly ChannelCommit[] {
  const channels = new Map<ChannelState, Job[]>();
  for (const job of jobs) {
    const its = channels.get(job.state);
    if (its === undefined) channels.set(job.state, [job]);
    else its.push(job);
  }
  const commits: ChannelCommit[] = [];
  for (const [state, its] of channels) commits.push(writeChannel(state, its, tables, now));
  return commits;
}

function writeChannel(state: ChannelState, jobs: readonly Job[], tables: Tables, now: number): ChannelCommit {
  const id = state.row.id === 0 ? tables.insertChannel(state.name, state.row) : state.row.id;
  const row = { ...state.row, id, live: 1 };
  const events: CloudEvent[] = [];
  for (const job of jobs) for (const event of job.events) events.push(event);
  const outcomes = storeIds(row, events, tables);
  const records = recordsOf(events, outcomes, state.name);
  const written = share(jobs, outcomes, records);
  const next = {
    ...row,
    head: row.head + records.length,
    bytes: row.bytes + writeSegments(id, records, tables, now),
    published: row.published + records.length,
    duplicates: row.duplicates + events.length - records.length,
    refused: jobs.reduce((sum, { refused }) => sum + refused, row.refused),
  };
  // What no segment says is stored at once: that the channel lives, what was refused, what came twice.
  const { live, duplicates, refused } = state.row;
  const isCounted = live === 1 && next.duplicates === duplicates && next.refused === refused;
  const isNear = next.head - state.storedHead <= uncountedMax;
  if (isCounted && isNear) return { state, row: next, storedHead: state.storedHead, written };
  tables.updateChannel(next);
  return { state, row: next, storedHead: next.head, written };
}

/** Gives the next sequences to the events that are new. */
function storeIds(row: ChannelRow, events: readonly CloudEvent[], tables: Tables): readonly Appended[] {
  const outcomes: Appended[] = [];
  let { head } = row;
  let mayAllBeNew = true;
  for (let from = 0; from < events.length; from += idsAtOnce) {
    const run = events.slice(from, from + idsAtOnce).map(identityAsText);
    // Not tried again where one was known: a batch that is sent a second time has many.
    mayAllBeNew &&= run.length === idsAtOnce && tables.insertIds(row.id, run, head + 1);
    for (const identity of run) {
      if (mayAllBeNew || tables.insertId(row.id, identity, head + 1)) {
        head += 1;
        outcomes.push({ status: 'appended', sequence: head });
      } else outcomes.push({ status: 'duplicate', sequence: tables.sequenceOf(row.id, identity) });
    }
  }
  return outcomes;
}

function recordsOf(
  events: readonly CloudEvent[],
  outcomes: readonly Appended[],
  channel: string,
): readonly LogRecord[] {
  const records: LogRecord[] = [];
  events.forEach((event, index) => {
    const outcome = outcomes[index];
    if (outcome?.status === 'appended') records.push(encodeRecord(event, channel, outcome.sequence));
  });
  return records;
}

/** Answers the size of all records. */
function writeSegments(channel: number, records: readonly LogRecord[], tables: Tables, at: number): number {
  let from = 0;
  let bytes = 0;
  let total = 0;
  const end = (to: number): void => {
    const its = records.slice(from, to);
    const [first] = its;
    if (first === undefined) return;
    tables.insertSegment(channel, { first: first.sequence, n: its.length, at, bytes, ...encodeSegment(its) });
    total += bytes;
    from = to;
    bytes = 0;
  };
  records.forEach(({ json }, index) => {
    const size = Buffer.byteLength(json);
    if (index - from === segmentEventsMax || bytes + size > segmentBytesMax) end(index);
    bytes += size;
  });
  end(records.length);
  return total;
}

/** To each job what is its. */
function share(jobs: readonly Job[], outcomes: readonly Appended[], records: readonly LogRecord[]): readonly Written[] {
  let event = 0;
  let record = 0;
  return jobs.map((job) => {
    const its = outcomes.slice(event, (event += job.events.length));
    const appended = its.filter(({ status }) => status === 'appended').length;
    return { job, outcomes: its, records: records.slice(record, (record += appended)) };
  });
}
