// How much waits for the relay: counted as it grows and shrinks, so that it is bounded without asking the disk at each publish.
import { Failure } from '../failure.ts';
import type { Position, StoreState } from '../ports/store.ts';
import type { OutboxGrowth } from '../ports/tabs.ts';

/** How much may wait. */
export interface OutboxLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** A day of a busy application without a network, and well below the quota that browsers grant. */
export const defaultOutboxLimits: OutboxLimits = { eventsMax: 100_000, bytesMax: 50 * 1024 * 1024 };

/** So much of it. */
export interface OutboxSize {
  readonly events: number;
  readonly bytes: number;
}

/** The outbox in numbers: of all channels, as far as this tab knows. */
export interface Outbox extends OutboxSize {
  /** Of it, what is not only reserved: other tabs are told of that once it is stored. */
  readonly stored: OutboxSize;
  /** Up to here the disk has counted. */
  readonly counted: Position;
  /** @throws Failure `OutboxFull` when it would grow beyond its limits; then it has not grown */
  reserve(growth: readonly OutboxGrowth[]): void;
  /** It grew in another tab, up to there; unless the disk has told so already. */
  grow(growth: readonly OutboxGrowth[], upTo: Position): void;
  /** What was reserved is stored, up to there; unless the disk has told so already. */
  keep(growth: readonly OutboxGrowth[], upTo: Position): void;
  /** It did not grow after all. */
  release(growth: readonly OutboxGrowth[]): void;
  shrink(events: number, bytes: number): void;
  /** What the leader says, for whom the disk has counted up to there. It knows nothing of what is only reserved, as the disk does not. */
  set(size: OutboxSize, upTo: Position): void;
  /** What the disk says. */
  count(state: StoreState): void;
  /** Asks the disk, and goes by it unless something changed meanwhile. Answers how many events wait there. */
  recount(ask: () => Promise<StoreState>): Promise<number>;
}

/** Counts an outbox. `changed` is called after every change. */
export function createOutbox({ eventsMax, bytesMax }: OutboxLimits, changed: () => void): Outbox {
  let stored = nothing;
  /** Reserved, and not stored yet. */
  let reserved = nothing;
  let counted: Position = 0;
  let changes = 0;

  const outbox: Outbox = {
    get events() {
      return stored.events + reserved.events;
    },
    get bytes() {
      return stored.bytes + reserved.bytes;
    },
    get stored() {
      return stored;
    },
    get counted() {
      return counted;
    },
    reserve(growth) {
      const more = sumOf(growth);
      const { events, bytes } = outbox;
      if (growth.length > 0 && (events + more.events > eventsMax || bytes + more.bytes > bytesMax)) {
        throw new Failure(
          'OutboxFull',
          `${events} events (${bytes} bytes) wait to be sent, and the outbox holds ${eventsMax} (${bytesMax} bytes); ` +
            'is the relay reachable? Nothing was stored.',
        );
      }
      put(stored, plus(reserved, more));
    },
    grow(growth, upTo) {
      if (upTo > counted) put(plus(stored, sumOf(growth)), reserved);
    },
    keep(growth, upTo) {
      const its = sumOf(growth);
      put(upTo > counted ? plus(stored, its) : stored, plus(reserved, its, -1));
    },
    release: (growth) => put(stored, plus(reserved, sumOf(growth), -1)),
    shrink: (events, bytes) => put(plus(stored, { events, bytes }, -1), reserved),
    set(size, upTo) {
      counted = Math.max(counted, upTo);
      put(size, reserved);
    },
    count(state) {
      counted = state.head;
      put(outboxOf(state), reserved);
    },
    async recount(ask) {
      const before = changes;
      const state = await ask();
      if (changes === before) outbox.count(state);
      return outboxOf(state).events;
    },
  };
  return outbox;

  function put(nextStored: OutboxSize, nextReserved: OutboxSize): void {
    const { events, bytes } = outbox;
    stored = nextStored;
    reserved = nextReserved;
    changes += 1;
    if (outbox.events !== events || outbox.bytes !== bytes) changed();
  }
}

const nothing: OutboxSize = { events: 0, bytes: 0 };

function plus(size: OutboxSize, more: OutboxSize, sign: 1 | -1 = 1): OutboxSize {
  return {
    events: Math.max(0, size.events + sign * more.events),
    bytes: Math.max(0, size.bytes + sign * more.bytes),
  };
}

function sumOf(growth: readonly OutboxGrowth[]): OutboxSize {
  return growth.reduce((sum, part) => plus(sum, part), nothing);
}

/** The outbox as the disk has it. */
function outboxOf({ channels }: StoreState): OutboxSize {
  let events = 0;
  let bytes = 0;
  for (const { pendingEvents, pendingBytes } of Object.values(channels)) {
    events += pendingEvents;
    bytes += pendingBytes;
  }
  return { events, bytes };
}
