// How much waits for the relay: counted as it grows and shrinks, so that it is bounded without asking the disk at each publish.
import { Failure } from '../failure.ts';
import type { StoreState } from '../ports/store.ts';
import type { OutboxGrowth } from '../ports/tabs.ts';

/** How much may wait. */
export interface OutboxLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** A day of a busy application without a network, and well below the quota that browsers grant. */
export const defaultOutboxLimits: OutboxLimits = { eventsMax: 100_000, bytesMax: 50 * 1024 * 1024 };

/** The outbox in numbers: of all channels, as far as this tab knows. */
export interface Outbox {
  readonly events: number;
  readonly bytes: number;
  /** @throws Failure `OutboxFull` when it would grow beyond its limits; then it has not grown */
  reserve(growth: readonly OutboxGrowth[]): void;
  /** It grew in another tab. */
  grow(growth: readonly OutboxGrowth[]): void;
  /** What was reserved is stored. */
  stored(growth: readonly OutboxGrowth[]): void;
  /** It did not grow after all. */
  release(growth: readonly OutboxGrowth[]): void;
  shrink(events: number, bytes: number): void;
  /** What the disk, or the leader, says: neither knows of what is only reserved. */
  set(events: number, bytes: number): void;
  /** Asks the disk, and goes by it unless something changed meanwhile. Answers how many events wait there. */
  recount(ask: () => Promise<StoreState>): Promise<number>;
}

/** Counts an outbox. `changed` is called after every change. */
export function createOutbox({ eventsMax, bytesMax }: OutboxLimits, changed: () => void): Outbox {
  let events = 0;
  let bytes = 0;
  /** Reserved, and not stored yet. */
  let reserved = { events: 0, bytes: 0 };
  let changes = 0;

  return {
    get events() {
      return events;
    },
    get bytes() {
      return bytes;
    },
    reserve(growth) {
      const more = sumOf(growth);
      if (growth.length > 0 && (events + more.events > eventsMax || bytes + more.bytes > bytesMax)) {
        throw new Failure(
          'OutboxFull',
          `${events} events (${bytes} bytes) wait to be sent, and the outbox holds ${eventsMax} (${bytesMax} bytes); ` +
            'is the relay reachable? Nothing was stored.',
        );
      }
      reserved = { events: reserved.events + more.events, bytes: reserved.bytes + more.bytes };
      add(more);
    },
    grow: (growth) => add(sumOf(growth)),
    stored: (growth) => void settle(growth),
    release: (growth) => add(settle(growth), -1),
    shrink: (fewer, fewerBytes) => add({ events: fewer, bytes: fewerBytes }, -1),
    set,
    async recount(ask) {
      const before = changes;
      const its = outboxOf(await ask());
      if (changes === before) set(its.events, its.bytes);
      return its.events;
    },
  };

  function add(more: Size, sign: 1 | -1 = 1): void {
    changes += 1;
    put(events + sign * more.events, bytes + sign * more.bytes);
  }

  function set(nextEvents: number, nextBytes: number): void {
    put(nextEvents + reserved.events, nextBytes + reserved.bytes);
  }

  function put(nextEvents: number, nextBytes: number): void {
    if (nextEvents === events && nextBytes === bytes) return;
    events = Math.max(0, nextEvents);
    bytes = Math.max(0, nextBytes);
    changed();
  }

  function settle(growth: readonly OutboxGrowth[]): Size {
    const its = sumOf(growth);
    reserved = { events: reserved.events - its.events, bytes: reserved.bytes - its.bytes };
    return its;
  }
}

interface Size {
  readonly events: number;
  readonly bytes: number;
}

function sumOf(growth: readonly OutboxGrowth[]): Size {
  return {
    events: growth.reduce((sum, part) => sum + part.events, 0),
    bytes: growth.reduce((sum, part) => sum + part.bytes, 0),
  };
}

/** The outbox as the disk has it. */
export function outboxOf({ channels }: StoreState): Size {
  let events = 0;
  let bytes = 0;
  for (const { pendingEvents, pendingBytes } of Object.values(channels)) {
    events += pendingEvents;
    bytes += pendingBytes;
  }
  return { events, bytes };
}
