// What one burst of load is, and what came of it, whoever has made it.

/** How events are published. */
export type Workload =
  /** The next once the last reader has this one: nothing can be put together. */
  | { readonly kind: 'one at a time' }
  /** By so many publishers, each with one POST under way. */
  | { readonly kind: 'pipelined'; readonly publishers: number }
  /** So many events to a POST, the next POST when this one is answered. */
  | { readonly kind: 'batches'; readonly events: number }
  /** So many a second, whatever becomes of them. */
  | { readonly kind: 'rate'; readonly perSecond: number }
  /** One event: how much the readers hold. */
  | { readonly kind: 'idle' };

/** A burst. */
export interface Burst {
  readonly readers: number;
  readonly workload: Workload;
  readonly seconds: number;
}

/** Where a burst goes, and how its events are written. */
export interface Target {
  readonly port: number;
  /** Whose CPU and memory are counted, with all of its children. */
  readonly pid: number;
  readonly subscribePath: string;
  readonly publishPath: string;
  readonly subscribeHeaders: readonly string[];
  readonly publishHeaders: readonly string[];
  /** An event around its payload: `%s` is the payload, `%d` its number. */
  readonly template: string;
}

/** What came of a burst. */
export interface Outcome {
  readonly deliveries: number;
  /** What should have arrived and has not, or has twice. */
  readonly wrong: number;
  readonly seconds: number;
  /** The server's. */
  readonly cpuSeconds: number;
  /** Cores that were busy with neither the server nor the load: beyond a third of one, the burst was disturbed. */
  readonly otherCores: number;
  readonly ackP50Us: number;
  readonly ackP99Us: number;
  readonly deliveredP50Us: number;
  readonly deliveredP99Us: number;
  /** Resident memory that each reader added to the server. */
  readonly bytesPerReader: number;
}

/** Makes bursts. */
export type Generator = (target: Target, burst: Burst) => Promise<Outcome>;

/** Bytes of an event's payload. */
export const payloadBytes = 200;
/** Publishers of the pipelined workload, and events of a batch. */
export const publishers = 16;
export const batchEvents = 100;

/** The middle of some figures. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The value below which this part of them lies. */
export function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;
}
