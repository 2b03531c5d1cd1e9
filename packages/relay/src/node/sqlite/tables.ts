// Every statement that the log needs, prepared once.
import type { DatabaseSync } from 'node:sqlite';
import { escapeText } from '@godwit/core/feed';

/** A channel's row. */
export interface ChannelRow {
  readonly id: number;
  readonly live: number;
  readonly epoch: string;
  readonly head: number;
  readonly tail: number;
  readonly bytes: number;
  readonly published: number;
  readonly duplicates: number;
  readonly refused: number;
}

/** A commit of one channel. */
export interface SegmentRow {
  readonly first: number;
  readonly n: number;
  readonly at: number;
  readonly bytes: number;
  readonly types: string;
  readonly body: string;
}

/** By what an event is known in its channel. */
export interface Identity {
  readonly source: string;
  readonly id: string;
}

/** An event's identity, as text that SQLite makes no other's. */
export function identityAsText({ source, id }: Identity): Identity {
  return { source: escapeText(source), id: escapeText(id) };
}

/** Identities that one run of a statement stores: to run it costs as much as to store one. */
export const idsAtOnce = 16;

/** The tables, by what is done to them. */
export interface Tables {
  /** Takes this much room, in a row that is no part of any log. */
  fill(bytes: number): void;
  /** Gives it back. */
  empty(): void;
  /** The epoch of every channel that nobody has removed yet. */
  epoch(): string;
  channel(name: string): ChannelRow | undefined;
  liveChannels(): readonly string[];
  /** Answers the row's id. */
  insertChannel(name: string, row: Omit<ChannelRow, 'id'>): number;
  updateChannel(row: ChannelRow): void;
  /** Takes a channel's name away: what it holds is dead. */
  disown(id: number): void;
  /** One that was disowned, if there is any. */
  deadChannel(): number | undefined;
  deleteChannel(id: number): void;
  insertSegment(channel: number, segment: SegmentRow): void;
  /** From the segment that holds `sequence` on, one by one. */
  segmentsFrom(channel: number, sequence: number): Iterable<SegmentRow>;
  /** What the segments behind `head` hold: events, and bytes. */
  countBehind(channel: number, head: number): { readonly events: number; readonly bytes: number };
  oldestSegments(channel: number, limit: number): readonly SegmentRow[];
  deleteSegment(channel: number, first: number): void;
  /** Answers whether the identity was new. */
  insertId(channel: number, identity: Identity, sequence: number): boolean;
  /** Stores `idsAtOnce` of them with sequences from `first` on, where all are new and no two alike; otherwise none, and answers false. */
  insertIds(channel: number, identities: readonly Identity[], first: number): boolean;
  sequenceOf(channel: number, identity: Identity): number;
  deleteId(channel: number, identity: Identity): void;
}

/** Prepares the statements. */
export function prepareTables(database: DatabaseSync): Tables {
  const prepare = (sql: string): ReturnType<DatabaseSync['prepare']> => database.prepare(sql);
  const columns = 'live, epoch, head, tail, bytes, published, duplicates, refused';
  const epoch = prepare("SELECT value FROM meta WHERE key = 'epoch'");
  const channel = prepare(`SELECT id, ${columns} FROM channels WHERE name = ?`);
  const liveChannels = prepare('SELECT name FROM channels WHERE live = 1 AND name IS NOT NULL ORDER BY name');
  const insertChannel = prepare(`INSERT INTO channels (name, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const updateChannel = prepare(
    'UPDATE channels SET live = ?, head = ?, tail = ?, bytes = ?, published = ?, duplicates = ?, refused = ? WHERE id = ?',
  );
  const disown = prepare('UPDATE channels SET name = NULL WHERE id = ?');
  const deadChannel = prepare('SELECT id FROM channels WHERE name IS NULL LIMIT 1');
  const deleteChannel = prepare('DELETE FROM channels WHERE id = ?');
  const insertSegment = prepare(
    'INSERT INTO segments (channel, first, n, at, bytes, types, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const segmentsFrom = prepare(
    `SELECT first, n, at, bytes, types, body FROM segments WHERE channel = ?1 AND first >=
      (SELECT first FROM segments WHERE channel = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1) ORDER BY first`,
  );
  const countBehind = prepare(
    'SELECT total(n) AS events, total(bytes) AS bytes FROM segments WHERE channel = ? AND first > ?',
  );
  const oldestSegments = prepare(
    'SELECT first, n, at, bytes, types, body FROM segments WHERE channel = ? ORDER BY first LIMIT ?',
  );
  const deleteSegment = prepare('DELETE FROM segments WHERE channel = ? AND first = ?');
  const insertId = prepare(
    'INSERT INTO ids (channel, source, id, sequence) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const rows = Array.from({ length: idsAtOnce }, (_, row) => `(?1, ?${3 + 2 * row}, ?${4 + 2 * row}, ?2 + ${row})`);
  const insertIds = prepare(`INSERT INTO ids (channel, source, id, sequence) VALUES ${rows.join()}`);
  const sequenceOf = prepare('SELECT sequence FROM ids WHERE channel = ? AND source = ? AND id = ?');
  const deleteId = prepare('DELETE FROM ids WHERE channel = ? AND source = ? AND id = ?');

  const fill = prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', zeroblob(?))");
  const empty = prepare("DELETE FROM meta WHERE key = 'probe'");

  return {
    fill: (bytes) => void fill.run(bytes),
    empty: () => void empty.run(),
    epoch: () => String(epoch.get()?.['value']),
    // What these answer is what the schema says: its columns are NOT NULL, and only this relay writes them.
    channel: (name) => channel.get(name) as ChannelRow | undefined,
    liveChannels: () => liveChannels.all().map(({ name }) => String(name)),
    insertChannel(name, { live, epoch, head, tail, bytes, published, duplicates, refused }) {
      const values = [name, live, epoch, head, tail, bytes, published, duplicates, refused];
      return Number(insertChannel.run(...values).lastInsertRowid);
    },
    updateChannel({ id, live, head, tail, bytes, published, duplicates, refused }) {
      updateChannel.run(live, head, tail, bytes, published, duplicates, refused, id);
    },
    disown: (id) => void disown.run(id),
    deadChannel() {
      const dead = deadChannel.get();
      return dead === undefined ? undefined : Number(dead['id']);
    },
    deleteChannel: (id) => void deleteChannel.run(id),
    insertSegment(channel, { first, n, at, bytes, types, body }) {
      insertSegment.run(channel, first, n, at, bytes, types, body);
    },
    *segmentsFrom(channel, sequence) {
      for (const row of segmentsFrom.iterate(channel, sequence)) yield segmentOf(row);
    },
    countBehind(channel, head) {
      const { events, bytes } = countBehind.get(channel, head) ?? {};
      return { events: Number(events), bytes: Number(bytes) };
    },
    oldestSegments: (channel, limit) => oldestSegments.all(channel, limit).map(segmentOf),
    deleteSegment: (channel, first) => void deleteSegment.run(channel, first),
    insertId: (channel, { source, id }, sequence) => insertId.run(channel, source, id, sequence).changes === 1,
    insertIds(channel, identities, first) {
      const texts: string[] = [];
      for (const { source, id } of identities) texts.push(source, id);
      try {
        insertIds.run(channel, first, ...texts);
        return true;
      } catch (error) {
        // Of a statement that fails, SQLite keeps nothing.
        if (isKeyTaken(error)) return false;
        throw error;
      }
    },
    sequenceOf: (channel, { source, id }) => Number(sequenceOf.get(channel, source, id)?.['sequence']),
    deleteId: (channel, { source, id }) => void deleteId.run(channel, source, id),
  };
}

function segmentOf({ first, n, at, bytes, types, body }: Record<string, unknown>): SegmentRow {
  return {
    first: Number(first),
    n: Number(n),
    at: Number(at),
    bytes: Number(bytes),
    types: String(types),
    body: String(body),
  };
}

/** SQLITE_CONSTRAINT_PRIMARYKEY. */
function isKeyTaken(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 1555;
}
