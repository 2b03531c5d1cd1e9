// Rounds in which the contenders take turns, so that what disturbs one disturbs all; the median of each counts.

/** Milliseconds, by what was measured. */
export type Times = Record<string, number[]>;

/** Notes a time. */
export function note(times: Times, name: string, ms: number): void {
  (times[name] ??= []).push(ms);
}

/** How long it takes, in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** The medians. */
export function mediansOf(times: Times): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
