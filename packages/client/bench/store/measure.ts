// How it is measured: rounds in which the contenders take turns, so that what disturbs one disturbs all; medians count.

/** Milliseconds, a sample for each round. */
export type Samples = readonly number[];

/** A burst of publishes, and the same events written without Godwit. */
export interface Bursts {
  /** Written as records by the database's own means, in one transaction. */
  readonly raw: Samples;
  /** From `runtime.publish` until the last has resolved. */
  readonly whole: Samples;
  /** The engine's part of it: from where it is handed the events until all are stored. */
  readonly engine: Samples;
}

/** Backlogs of durable handlers, and events written without Godwit, in the same rounds. */
export interface Drains {
  /** {@link dueEvents} records, written in one transaction. */
  readonly raw: Samples;
  /** Events of a log of so many: claimed, run, and committed as handled. */
  readonly logs: readonly { readonly events: number; readonly log: Samples }[];
}

/** Rows that retries made, worked off, and the very same rows written without Godwit. */
export interface RowDrains {
  /** Into a table, or a store, with the same indexes, in one transaction. */
  readonly raw: Samples;
  readonly rows: Samples;
}

/** How many due events are held against as many records. */
export const dueEvents = 10_000;
/** How many events a log has that a handler works off. */
export const logSizes: readonly number[] = [1000, dueEvents, 100_000];

/** How long it takes, in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** The value in the middle. */
export function median(values: Samples): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** How one compares with the other: the median of the rounds' own ratios, since a round's two samples share their disturbance. */
export function ratioOf(one: Samples, other: Samples): number {
  return median(one.map((ms, round) => ms / (other[round] ?? Number.NaN)));
}
