// Knows which identities a channel holds, in memory: a duplicate is found without a read, and without a row per event.
import type { Hash } from './hash.ts';

/** The slots that a table begins with: 3 KiB. */
const slotsMin = 256;
/** Beyond this share of used slots, probing gets long (Knuth 6.4: about 8 probes for a miss at 3/4). */
const fullness = 3 / 4;

/** What a channel's table costs in memory, and so what a channel may hold. */
export const identityLimits: { readonly slotsMax: number; readonly eventsMax: number } = {
  /**
   * The most slots: 2,097,152 of 12 bytes are 24 MiB. An isolate has 128 MiB for everything, and growing needs the old
   * table beside the new one.
   */
  slotsMax: 2 ** 21,
  /** The most events that a channel holds: what fits into the slots. Beyond, the oldest are dropped before their time. */
  eventsMax: Math.floor(2 ** 21 * fullness),
};

/** The identities of the events that a channel holds, each by its hash. */
export interface Identities {
  /** The sequences of all events whose identity has this hash: almost always none or one. */
  find(hash: Hash): readonly number[];
  /** Remembers an event. Sequences must increase. */
  add(hash: Hash, sequence: number): void;
  /** Forgets all events before `tail`. */
  forget(tail: number): void;
  /** How often the table was made anew, each time by a walk over all its slots. */
  readonly rebuilds: number;
}

interface Slots {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  /** How far behind `base` the event stands; 0 is a free slot. */
  readonly behind: Uint32Array;
}

/**
 * An open-addressing table with linear probing over three packed arrays. What is forgotten stays in its slot, as a
 * tombstone, until the next growth leaves it out.
 *
 * @param tail the sequence of the oldest event that will be added
 * @param eventsMax the most events that it will hold at once
 */
export function createIdentities(tail: number, eventsMax: number = identityLimits.eventsMax): Identities {
  const slotsMax = slotsFor(eventsMax);
  let base = tail - 1;
  let oldest = tail;
  let newest = tail - 1;
  let used = 0;
  let rebuilds = 0;
  let slots = createSlots(slotsMin);

  const put = ([low, high]: Hash, sequence: number): void => {
    const mask = slots.behind.length - 1;
    let at = low & mask;
    while (slots.behind[at] !== 0) at = (at + 1) & mask;
    slots.low[at] = low;
    slots.high[at] = high;
    slots.behind[at] = sequence - base;
    used += 1;
  };

  const rebuild = (): void => {
    rebuilds += 1;
    const old = slots;
    const oldBase = base;
    // At most half full afterwards, so that the next rebuild is as far away as this one was.
    let size = slotsMin;
    while (size < (newest - oldest + 1) * 2 && size < slotsMax) size *= 2;
    slots = createSlots(size);
    base = oldest - 1;
    used = 0;
    for (let at = 0; at < old.behind.length; at += 1) {
      const behind = old.behind[at] ?? 0;
      if (behind !== 0 && oldBase + behind >= oldest) put([old.low[at] ?? 0, old.high[at] ?? 0], oldBase + behind);
    }
  };

  return {
    find([low, high]) {
      const found: number[] = [];
      const mask = slots.behind.length - 1;
      for (let at = low & mask; slots.behind[at] !== 0; at = (at + 1) & mask) {
        const sequence = base + (slots.behind[at] ?? 0);
        if (slots.low[at] === low && slots.high[at] === high && sequence >= oldest) found.push(sequence);
      }
      return found;
    },
    add(hash, sequence) {
      if (used >= slots.behind.length * fullness) rebuild();
      put(hash, sequence);
      newest = sequence;
    },
    forget(tail) {
      oldest = Math.max(oldest, tail);
    },
    get rebuilds() {
      return rebuilds;
    },
  };
}

/** The table of what a channel holds, from its segments' hashes. */
export function loadIdentities(
  tail: number,
  segments: Iterable<readonly [first: number, hashes: Iterable<Hash>]>,
  eventsMax: number = identityLimits.eventsMax,
): Identities {
  const identities = createIdentities(tail, eventsMax);
  for (const [first, hashes] of segments) {
    let sequence = first;
    for (const hash of hashes) {
      identities.add(hash, sequence);
      sequence += 1;
    }
  }
  return identities;
}

/** The fewest slots, a power of two, that this many events do not overfill. */
function slotsFor(eventsMax: number): number {
  let size = slotsMin;
  while (size * fullness < eventsMax && size < identityLimits.slotsMax) size *= 2;
  return size;
}

function createSlots(size: number): Slots {
  return { low: new Uint32Array(size), high: new Uint32Array(size), behind: new Uint32Array(size) };
}
