// What is counted about handlers, and its sum.

/** Why an event that was meant for a handler did not get to it. */
export type DropReason =
  /** Its mailbox was full. */
  | 'overflow'
  /** A later event of the same key took its place. */
  | 'superseded'
  /** The handler stopped before its turn came. */
  | 'detached'
  /** The dispatcher was closed before its turn came. */
  | 'closed'
  /** Who awaited it gave up before its turn came. */
  | 'cancelled';

/** Per handler, and in sum: passed = delivered + filtered + failed + pending + all that was dropped. */
export interface HandlerCounts {
  /** Events that were meant for it. */
  passed: number;
  /** Calls that ended well. */
  delivered: number;
  /** Events that its filter did not want. */
  filtered: number;
  /** Calls that threw, rejected or ran out of time, and filters that threw. */
  failed: number;
  /** Waiting or running. */
  pending: number;
  /** By reason. */
  dropped: Partial<Record<DropReason, number>>;
}

/** Nothing yet. */
export function noCounts(): HandlerCounts {
  return { passed: 0, delivered: 0, filtered: 0, failed: 0, pending: 0, dropped: {} };
}

/** Adds one to the other, and returns that. */
export function addCounts(sum: HandlerCounts, more: Readonly<HandlerCounts>): HandlerCounts {
  for (const name of ['passed', 'delivered', 'filtered', 'failed', 'pending'] as const) sum[name] += more[name];
  for (const reason in more.dropped) {
    const key = reason as DropReason;
    sum.dropped[key] = (sum.dropped[key] ?? 0) + (more.dropped[key] ?? 0);
  }
  return sum;
}
