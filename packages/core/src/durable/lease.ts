// Who runs a handler: one tab of the device. A lease is judged dead when its beat stands still while there is work.
import type { HandlerStore, HandlerRecord } from '../ports/tasks.ts';
import type { LogEntry, Position } from '../ports/store.ts';
import type { World } from '../ports/world.ts';
import type { Bell } from '../timing/wait.ts';
import { dueInMs } from './due.ts';
import type { HandlerSpec } from './task.ts';
import { look, type EventEntry } from './wants.ts';

/** How often an owner shows that it lives while it has something in flight, in milliseconds. */
export const beatMs = 3000;
/** How long a beat may stand still while there is work, in milliseconds: three beats, and one for a slow disk. */
export const leaseMs = 12_000;

/** Waits until this tab owns the handler; undefined when the signal aborts first. */
export async function acquire(parts: {
  readonly spec: HandlerSpec;
  /** Where a handler begins that this device never had. */
  readonly start: Position;
  readonly tab: string;
  readonly store: HandlerStore;
  readonly world: World;
  readonly wants: (entry: LogEntry) => entry is EventEntry;
  /** Rings when the log grew, and when the lease was let go. */
  readonly bell: Bell;
  /** As `Tabs.gone`. */
  readonly gone: (tab: string, signal: AbortSignal) => Promise<boolean>;
  /** Whether the lease was let go since this was last asked. */
  readonly wasLetGo: () => boolean;
  readonly signal: AbortSignal;
  /** Hears of the record whenever it was looked at. */
  readonly seen: (record: HandlerRecord) => void;
}): Promise<HandlerRecord | undefined> {
  const { spec, start, tab, store, world, wants, bell, wasLetGo, signal, seen } = parts;
  let over: HandlerRecord | undefined;
  let claimed: Position = 0;
  /** Between what the owner has claimed and here nothing is wanted. */
  let quiet: Position = 0;
  while (!signal.aborted) {
    const record = await store.lease({ handler: spec.name, tab, at: world.now(), start, over });
    if (record === null) continue;
    seen(record);
    if (record.owner === tab) return record;
    const waitMs = await untilSuspicious(record);
    // Taken over only if it is still as it was seen: an owner that did anything since is alive.
    over = (await isSuspicious(record.owner, waitMs)) ? record : undefined;
  }
  return undefined;

  /** Waits so long, or until there is reason to look again before. */
  async function isSuspicious(owner: string | null, waitMs: number | undefined): Promise<boolean> {
    const over = new AbortController();
    const waiting = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    if (owner !== null) void whenGone(owner, AbortSignal.any([signal, waiting.signal]));
    const stopTimer = waitMs === undefined ? undefined : world.after(waitMs, () => over.abort());
    for (;;) {
      await bell.wait(until);
      // While the timer runs, a log that grows is no news: there is work already.
      if (until.aborted || waitMs === undefined || wasLetGo()) break;
    }
    stopTimer?.();
    waiting.abort();
    return over.signal.aborted;

    async function whenGone(tab: string, until: AbortSignal): Promise<void> {
      // Where that cannot be known, the beat says it.
      if (await parts.gone(tab, until).catch(() => false)) over.abort();
    }
  }

  /** How long to wait before an owner whose beat stands still is gone; undefined while it has nothing to do. */
  async function untilSuspicious(record: HandlerRecord): Promise<number | undefined> {
    if (record.rows.running > 0 || record.claimed > record.cursor) return leaseMs;
    // Where events were given back, what lies behind is to be looked at again.
    quiet = record.claimed < claimed ? record.claimed : Math.max(quiet, record.claimed);
    ({ claimed } = record);
    if (await isWaiting()) return leaseMs;
    const dueMs = dueInMs(record, world.now());
    return dueMs === undefined ? undefined : dueMs + leaseMs;
  }

  /** Whether the log holds an event for this handler. An owner stores no cursor for what it only passes over. */
  async function isWaiting(): Promise<boolean> {
    for (;;) {
      const { entries, upTo, atHead } = await look(store, quiet, 1, wants);
      if (entries.length > 0) return true;
      quiet = upTo;
      if (atHead) return false;
    }
  }
}
