// What is counted about handlers, and its sum.

/** Why an event that was meant for a handler did not get to it. */
export type DropReason = 'overflow' | 'superseded' | 'detached' | 'closed' | 'cancelled';

/** Per handler, and in sum: passed is what all the others add up to. */
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
  /** Dropped: its mailbox was full. */
  overflow: number;
  /** Dropped: a later event of the same key took its place. */
  superseded: number;
  /** Dropped: the handler stopped before its turn came. */
  detached: number;
  /** Dropped: the dispatcher was closed before its turn came. */
  closed: number;
  /** Dropped: who awaited it gave up before its turn came. */
  cancelled: number;
}

/** Nothing yet. */
export function noCounts(): HandlerCounts {
  return {
    passed: 0,
    delivered: 0,
    filtered: 0,
    failed: 0,
    pending: 0,
    overflow: 0,
    superseded: 0,
    detached: 0,
    closed: 0,
    cancelled: 0,
  };
}

/** Adds one to the other, and returns that. */
export function addCounts(sum: HandlerCounts, more: Readonly<HandlerCounts>): HandlerCounts {
  for (const name in sum) sum[name as keyof HandlerCounts] += more[name as keyof HandlerCounts];
  return sum;
}
