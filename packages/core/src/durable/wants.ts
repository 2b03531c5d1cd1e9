// Which entries of the device's log a handler takes.
import { compilePattern } from '../event/pattern.ts';
import type { LogEntry, LogRun, Position } from '../ports/store.ts';
import type { HandlerSpec } from './task.ts';

/** An event of the log. */
export type EventEntry = Extract<LogEntry, { readonly kind: 'event' }>;

/** The most entries that one look at the log goes through. */
const lookMax = 512;

/** Whoever reads the log: a store, or one that brings, of what it has read for others, what is wanted. */
export interface LogReader {
  read(after: Position, limit: number, wants?: (entry: LogEntry) => boolean): Promise<LogRun>;
}

/** What a look at the log found. */
export interface Found {
  readonly entries: readonly EventEntry[];
  /** Everything up to here was looked at. */
  readonly upTo: Position;
  readonly atHead: boolean;
}

/** Tells which entries a handler takes. */
export function wantsOf(
  { pattern, channel, order }: HandlerSpec,
  channels: ReadonlySet<string>,
): (entry: LogEntry) => entry is EventEntry {
  const matches = compilePattern(pattern);
  return (entry): entry is EventEntry =>
    entry.kind === 'event' &&
    channels.has(entry.channel) &&
    (channel === null || channel === entry.channel) &&
    // An echo was handled when it was published; an own event has no place in the relay's order before it comes back.
    (order === 'local' ? !entry.echo : entry.offset !== null) &&
    matches(entry.event.type);
}

/** Looks for at most `limit` entries behind `after`. */
export function look(
  store: LogReader,
  after: Position,
  limit: number,
  wants: (entry: LogEntry) => entry is EventEntry,
): Promise<Found> {
  return createGaze(store, wants).look(after, limit);
}

/** Looks again and again, each time behind the last. */
export interface Gaze {
  look(after: Position, limit: number): Promise<Found>;
}

/**
 * Keeps what a look has read beyond its limit, so that the next one need not read it again. Whoever looks elsewhere than
 * behind the last look reads anew.
 */
export function createGaze(store: LogReader, wants: (entry: LogEntry) => entry is EventEntry): Gaze {
  let rest: Found | undefined;
  let place: Position | undefined;

  return {
    async look(after, limit) {
      const found = (place === after ? rest : undefined) ?? (await seen(after));
      const next = found.entries[limit];
      // By the time it is looked at, the log may have grown.
      rest = next && { ...found, entries: found.entries.slice(limit), atHead: false };
      place = next === undefined ? found.upTo : next.position - 1;
      return { entries: found.entries.slice(0, limit), upTo: place, atHead: found.atHead && next === undefined };
    },
  };

  async function seen(after: Position): Promise<Found> {
    const { entries, next, atHead } = await store.read(after, lookMax, wants);
    return { entries: entries.filter(wants), upTo: next, atHead };
  }
}
