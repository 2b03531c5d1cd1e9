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
  /** It did not grow after all. */
  release(growth: readonly OutboxGrowth[]): void;
  shrink(events: number, bytes: number): void;
  /** What the disk, or the leader, says. */
  set(events: number, bytes: number): void;
}

/** Counts an outbox. `changed` is called after every change. */
export function createOutbox({ eventsMax, bytesMax }: OutboxLimits, changed: () => void): Outbox {
  let events = 0;
  let bytes = 0;
  const set = (nextEvents: number, nextBytes: number): void => {
    if (nextEvents === events && nextBytes === bytes) return;
    events = Math.max(0, nextEvents);
    bytes = Math.max(0, nextBytes);
    changed();
  };
  const sum = (growth: readonly OutboxGrowth[], sign: 1 | -1): [number, number] => [
    growth.reduce((total, part) => total + sign * part.events, events),
    growth.reduce((total, part) => total + sign * part.bytes, bytes),
  ];
  return {
    get events() {
      return events;
    },
    get bytes() {
      return bytes;
    },
    reserve(growth) {
      const [nextEvents, nextBytes] = sum(growth, 1);
      if (growth.length > 0 && (nextEvents > eventsMax || nextBytes > bytesMax)) {
        throw new Failure(
          'OutboxFull',
          `${events} events (${bytes} bytes) wait to be sent, and the outbox holds ${eventsMax} (${bytesMax} bytes); ` +
            'is the relay reachable? Nothing was stored.',
        );
      }
      set(nextEvents, nextBytes);
    },
    grow: (growth) => set(...sum(growth, 1)),
    release: (growth) => set(...sum(growth, -1)),
    shrink: (fewerEvents, fewerBytes) => set(events - fewerEvents, bytes - fewerBytes),
    set,
  };
}

/** The outbox as the disk has it. */
export function outboxOf({ channels }: StoreState): { readonly events: number; readonly bytes: number } {
  let events = 0;
  let bytes = 0;
  for (const { pendingEvents, pendingBytes } of Object.values(channels)) {
    events += pendingEvents;
    bytes += pendingBytes;
  }
  return { events, bytes };
}
