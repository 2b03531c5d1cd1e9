// What became of events on their way to subscribers, in this process.

/** Why a subscriber did not get an event. */
export type DropReason =
  /** It was ephemeral, and the subscriber was too slow. */
  | 'overflow'
  /** It was ephemeral and still waited when a newer one of its key came. */
  | 'superseded'
  /** It was trimmed before the subscriber got to it. */
  | 'retention'
  /** Its channel was removed before the subscriber got to it. */
  | 'epoch'
  /** The subscriber went while it was pending. */
  | 'detached';

/** Counts of deliveries since `since`: what passed is delivered, filtered, dropped, or pending still. */
export interface DeliveryCounts {
  delivered: number;
  filtered: number;
  readonly dropped: Partial<Record<DropReason, number>>;
  /** Wall-clock milliseconds. */
  readonly since: number;
}

/** What became of the events that have passed one subscriber. */
export interface SubscriberCounts {
  readonly delivered: number;
  readonly filtered: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

/** Counts of zero, from now on. */
export function createCounts(now: number): DeliveryCounts {
  return { delivered: 0, filtered: 0, dropped: {}, since: now };
}

/** Counts dropped events; zero of them leave no trace. */
export function countDropped(dropped: Partial<Record<DropReason, number>>, reason: DropReason, events: number): void {
  if (events > 0) dropped[reason] = (dropped[reason] ?? 0) + events;
}
