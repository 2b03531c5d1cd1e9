// What one row takes: a group commit's records, the hashes of their identities, and how much of them fits.
import type { LogRecord } from '@godwit/core/protocol';
import type { Hash } from '../identities/hash.ts';

/** An event on its way into a segment. */
export interface Draft {
  readonly record: LogRecord;
  readonly hash: Hash;
  /** The size of its JSON in UTF-8. */
  readonly bytes: number;
}

/**
 * The most bytes of a segment, unless one event alone is larger. A POST of the default limit, 1 MiB, fits into one row.
 *
 * @see https://developers.cloudflare.com/durable-objects/platform/limits/ (a row has at most 2 MB)
 */
export const segmentBytesMax = 1_500_000;

/** The most bytes of a row, from which what stands beside the event is taken. */
export const rowBytesMax = 2_000_000 - 1000;

/** What a record takes in its row: its JSON, its type once more (a unit is at most 6 bytes, escaped), its hash. */
export function rowBytes({ record, bytes }: Draft): number {
  return bytes + record.type.length * 6 + 10;
}

/** Divides a commit into rows that fit, in order: one row, unless it is very large. */
export function divide(drafts: readonly Draft[]): readonly (readonly Draft[])[] {
  const parts: Draft[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const draft of drafts) {
    bytes += rowBytes(draft);
    if (bytes > segmentBytesMax) {
      parts.push([]);
      bytes = rowBytes(draft);
    }
    parts.at(-1)?.push(draft);
  }
  return parts;
}

/** Packs hashes, two 32-bit words each, as the machine orders them: what wrote them also reads them. */
export function encodeHashes(drafts: readonly Draft[]): ArrayBuffer {
  const words = new Uint32Array(drafts.length * 2);
  drafts.forEach(({ hash }, index) => words.set(hash, index * 2));
  return words.buffer;
}

/** Unpacks hashes. */
export function* decodeHashes(packed: ArrayBuffer): Generator<Hash> {
  const words = new Uint32Array(packed);
  for (let at = 0; at < words.length; at += 2) yield [words[at] ?? 0, words[at + 1] ?? 0];
}
