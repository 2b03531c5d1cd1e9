// Side by side: the contenders take turns, and the median of many short rounds counts, so that what disturbs one disturbs all.

/** Something to be measured: does it `times` times. */
export type Contender = (times: number) => void | Promise<void>;

/** Nanoseconds each, by name. */
export type Times = Readonly<Record<string, number>>;

/** Short, so that most rounds are through before another process gets its turn. */
const roundMs = 3;
const rounds = 101;

/** Measures the contenders against each other. */
export async function measure(contenders: Readonly<Record<string, Contender>>): Promise<Times> {
  const times: Record<string, number> = {};
  const samples: Record<string, number[]> = {};
  for (const [name, run] of Object.entries(contenders)) {
    let count = 16;
    // Grows until one round takes its time: this is the warm-up, too.
    for (let took = 0; took < roundMs; count *= 2) {
      const begun = performance.now();
      await run(count);
      took = performance.now() - begun;
    }
    times[name] = count / 2;
    samples[name] = [];
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(contenders)) {
      const count = times[name] ?? 1;
      const begun = performance.now();
      await run(count);
      samples[name]?.push(((performance.now() - begun) * 1e6) / count);
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)]));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
