// The two tables of a channel's log in its object, and every statement on them.
import { decodeSegment, encodeSegment, type LogRecord } from '@godwit/core/protocol';
import type { Hash } from '../identities/hash.ts';
import { decodeHashes, encodeHashes, type Draft } from './segment.ts';

/** What a log needs of a Durable Object's storage. */
export type LogStorage = Pick<DurableObjectStorage, 'sql' | 'transactionSync' | 'sync' | 'deleteAll'>;

/** The channel's one row: it changes in the transaction of every append. */
export interface ChannelRow {
  readonly name: string;
  readonly epoch: string;
  /** The secret key of the identities' hash. */
  readonly key: Hash;
  readonly head: number;
  readonly tail: number;
  /** The size of the JSON held. */
  readonly bytes: number;
  readonly published: number;
  readonly duplicates: number;
  readonly refused: number;
}

/** A segment without its events. */
export interface SegmentSize {
  readonly first: number;
  readonly n: number;
  readonly at: number;
  readonly bytes: number;
}

/** The statements. All are synchronous; whoever writes wraps them in one `transactionSync`. */
export interface Tables {
  /** The channel, where one was ever stored. Before, there is no table: an object that was only looked at stores nothing. */
  load(): ChannelRow | undefined;
  create(row: ChannelRow): void;
  update(row: ChannelRow): void;
  insert(drafts: readonly Draft[], at: number): void;
  /** Segments from the oldest on. */
  sizes(): Iterable<SegmentSize>;
  /** Each segment's first sequence and its hashes, from the oldest on. */
  hashes(): Iterable<readonly [first: number, hashes: Iterable<Hash>]>;
  /** Segments, decoded, from the one on that holds this sequence. */
  segments(sequence: number): Iterable<readonly LogRecord[]>;
  dropBefore(first: number): void;
  /** Drops both tables. */
  drop(): void;
}

// A rowid table each, and no index: a row that is written is one row that is paid for. `hashes` stands before `body`, so
// that loading them does not walk through the pages of a large body.
const schema = `
  CREATE TABLE channel (
    one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, epoch TEXT NOT NULL, key0 INTEGER NOT NULL,
    key1 INTEGER NOT NULL, head INTEGER NOT NULL, tail INTEGER NOT NULL, bytes INTEGER NOT NULL,
    published INTEGER NOT NULL, duplicates INTEGER NOT NULL, refused INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE segments (
    first INTEGER PRIMARY KEY, n INTEGER NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL,
    hashes BLOB NOT NULL, types TEXT NOT NULL, body TEXT NOT NULL
  ) STRICT`;

/** Binds the statements to an object's database. */
export function createTables(sql: SqlStorage): Tables {
  return {
    load() {
      const { made } = sql
        .exec<{ made: number }>(`SELECT count(*) AS made FROM sqlite_schema WHERE name = 'channel'`)
        .one();
      if (made === 0) return undefined;
      const { key0, key1, ...row } = sql
        .exec<Omit<ChannelRow, 'key'> & { key0: number; key1: number }>(
          `SELECT name, epoch, key0, key1, head, tail, bytes, published, duplicates, refused FROM channel`,
        )
        .one();
      return { ...row, key: [key0, key1] };
    },
    create({ name, epoch, key: [key0, key1], ...row }) {
      sql.exec(schema);
      const { head, tail, bytes, published, duplicates, refused } = row;
      const values = [name, epoch, key0, key1, head, tail, bytes, published, duplicates, refused];
      sql.exec(`INSERT INTO channel VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, ...values);
    },
    update({ head, tail, bytes, published, duplicates, refused }) {
      const set = 'head = ?, tail = ?, bytes = ?, published = ?, duplicates = ?, refused = ?';
      sql.exec(`UPDATE channel SET ${set}`, head, tail, bytes, published, duplicates, refused);
    },
    insert(drafts, at) {
      const bytes = drafts.reduce((sum, draft) => sum + draft.bytes, 0);
      const { types, body } = encodeSegment(drafts.map(({ record }) => record));
      const values = [drafts[0]?.record.sequence, drafts.length, at, bytes, encodeHashes(drafts), types, body];
      sql.exec(
        `INSERT INTO segments (first, n, at, bytes, hashes, types, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ...values,
      );
    },
    sizes: () =>
      sql.exec<{ first: number; n: number; at: number; bytes: number }>(
        `SELECT first, n, at, bytes FROM segments ORDER BY first`,
      ),
    *hashes() {
      const rows = sql.exec<{ first: number; hashes: ArrayBuffer }>(
        `SELECT first, hashes FROM segments ORDER BY first`,
      );
      for (const row of rows) yield [row.first, decodeHashes(row.hashes)];
    },
    *segments(sequence) {
      const rows = sql.exec<{ first: number; types: string; body: string }>(
        `SELECT first, types, body FROM segments
          WHERE first >= coalesce((SELECT max(first) FROM segments WHERE first <= ?1), ?1) ORDER BY first`,
        sequence,
      );
      for (const row of rows) yield decodeSegment(row, row.first);
    },
    dropBefore(first) {
      sql.exec(`DELETE FROM segments WHERE first < ?`, first);
    },
    drop() {
      sql.exec('DROP TABLE channel; DROP TABLE segments');
    },
  };
}
