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
  const run = await store.read(after, lookMax);
  const entries: EventEntry[] = [];
  for (const entry of run.entries) {
    if (!wants(entry)) continue;
    if (entries.length === limit) return { entries, upTo: entry.position - 1, atHead: false };
    entries.push(entry);
  }
  return { entries, upTo: run.next, atHead: run.atHead };
}
