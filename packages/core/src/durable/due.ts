// How long until a row is due, by a clock that may have jumped.
import type { HandlerRecord } from '../ports/tasks.ts';

/**
 * In milliseconds; undefined when none waits. A record from the future was written before the clock jumped back: how long
 * was waited since nobody knows, so the store is asked at once. An attempt too early harms less than a wait of hours.
 */
export function dueInMs({ due, definedAt }: HandlerRecord, now: number): number | undefined {
  if (due === null) return undefined;
  return definedAt > now ? 0 : Math.max(0, due - now);
}
