// Which entries of the device's log a handler takes.
import { compilePattern } from '../event/pattern.ts';
import type { LogEntry, Position, Store } from '../ports/store.ts';
import type { HandlerSpec } from './task.ts';

/** An event of the log. */
export type EventEntry = Extract<LogEntry, { readonly kind: 'event' }>;

/** The most entries that one look at the log goes through. */
const lookMax = 512;

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
export async function look(
  store: Pick<Store, 'read'>,
  after: Position,
  limit: number,
  wants: (entry: LogEntry) => entry is EventEntry,
): Promise<Found> {
  return part(await seen(store, after, wants), 0, limit);
}

/** Looks again and again, each time behind the last. */
export interface Gaze {
  look(after: Position, limit: number): Promise<Found>;
}

/**
 * Keeps what a look has read beyond its limit, so that the next one need not read it again. Whoever looks elsewhere than
 * behind the last look reads anew.
 */
export function createGaze(store: Pick<Store, 'read'>, wants: (entry: LogEntry) => entry is EventEntry): Gaze {
  let kept: Found | undefined;
  let taken = 0;
  let upTo: Position | undefined;

  return {
    async look(after, limit) {
      const isKept = kept !== undefined && upTo === after;
      const all = isKept && kept !== undefined ? kept : await seen(store, after, wants);
      const from = isKept ? taken : 0;
      const found = part(all, from, limit);
      taken = from + found.entries.length;
      kept = taken < all.entries.length ? all : undefined;
      ({ upTo } = found);
      // The log may have grown since it was read.
      return isKept ? { ...found, atHead: false } : found;
    },
  };
}

async function seen(
  store: Pick<Store, 'read'>,
  after: Position,
  wants: (entry: LogEntry) => entry is EventEntry,
): Promise<Found> {
  const run = await store.read(after, lookMax);
  return { entries: run.entries.filter(wants), upTo: run.next, atHead: run.atHead };
}

function part({ entries, upTo, atHead }: Found, from: number, limit: number): Found {
  const next = entries[from + limit];
  const taken = entries.slice(from, from + limit);
  return next === undefined
    ? { entries: taken, upTo, atHead }
    : { entries: taken, upTo: next.position - 1, atHead: false };
}
