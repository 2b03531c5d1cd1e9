// What a relay knows of a channel that it shares: its newest state, where each event lies, and which identities it holds.
import type { Stop } from '@godwit/core';
import { createIdentities, identityLimits, type Identities } from '../identities/identities.ts';
import type { Hash } from '../identities/hash.ts';
import type { CommitHead } from './head.ts';

/** A message that holds events. */
export interface Segment {
  readonly number: number;
  /** The sequence of its first event. */
  readonly first: number;
  readonly n: number;
  readonly at: number;
  readonly size: number;
}

/** A channel's stream, read up to a message: the same at every relay that has read as far. */
export interface Replica {
  /** The number of the newest message that was read. */
  readonly number: number;
  /** What that made of the channel; undefined where nothing was ever written. */
  readonly head: CommitHead | undefined;
  /** Oldest first. */
  readonly segments: readonly Segment[];
  /** The sequences of all events held whose identity has this hash. */
  find(hash: Hash): readonly number[];
  /** The index in `segments` of the one that holds a sequence which is held. */
  indexOf(sequence: number): number;
  /** Reads the next message: `head` is undefined where it is none of ours. */
  read(number: number, head: CommitHead | undefined): void;
  /** Hears of each message of ours that is read from now on. */
  watch(watcher: (head: CommitHead) => void): Stop;
}

/** Makes that of a stream of which nothing was read. */
export function createReplica(): Replica {
  let number = 0;
  let head: CommitHead | undefined;
  let segments: Segment[] = [];
  let identities: Identities | undefined;
  const watchers = new Set<(head: CommitHead) => void>();

  return {
    get number() {
      return number;
    },
    get head() {
      return head;
    },
    get segments() {
      return segments;
    },
    find: (hash) => identities?.find(hash) ?? [],
    indexOf(sequence) {
      let [from, to] = [0, segments.length - 1];
      while (from < to) {
        const middle = Math.ceil((from + to) / 2);
        if ((segments[middle]?.first ?? 0) <= sequence) from = middle;
        else to = middle - 1;
      }
      return from;
    },
    read(itsNumber, its) {
      number = itsNumber;
      if (its === undefined) return;
      const n = its.hashes.length;
      const first = its.head - n + 1;
      // A new log of this channel: what lies before is not its.
      if (head !== undefined && first <= head.head) [segments, identities] = [[], undefined];
      if (n > 0) {
        segments.push({ number, first, n, at: its.at, size: its.size });
        identities ??= createIdentities(first);
        for (const [index, hash] of its.hashes.entries()) identities.add(hash, first + index);
      }
      head = its;
      forget(its.tail);
      for (const watcher of watchers) watcher(its);
    },
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };

  function forget(tail: number): void {
    const kept = segments.findIndex(({ first, n }) => first + n > tail);
    if (kept === 0) return;
    segments = kept < 0 ? [] : segments.slice(kept);
    identities?.forget(tail);
  }
}

/** The most events that a channel of a cluster holds: as many identities are known in memory. */
export const heldEventsMax: number = identityLimits.eventsMax;
