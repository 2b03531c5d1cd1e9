// Side by side: the contenders take turns, and the median of many short rounds counts, so that what disturbs one disturbs all.

/** Something to be measured: does it `times` times. */
export type Contender = (times: number) => void | Promise<void>;

/** Nanoseconds each, by name. */
export type Times = Readonly<Record<string, number>>;

interface Contest {
  readonly name: string;
  readonly run: Contender;
  /** How many make a round. */
  count: number;
  /** Nanoseconds each, by round. */
  readonly samples: number[];
}

/** Short, so that what disturbs a round leaves most of them alone, and long beside the clock's microsecond. */
const roundMs = 3;
const rounds = 101;
/** Rounds that are not counted: V8 compiles while code runs, and nobody's first code is what an application runs all day. */
const warmRounds = 50;
/** A pause of the collector makes one round long, and hardly three in a row. */
const tries = 3;

/** Measures the contenders against each other. */
export async function measure(contenders: Readonly<Record<string, Contender>>): Promise<Times> {
  const all = Object.entries(contenders).map(([name, run]): Contest => ({ name, run, count: 16, samples: [] }));
  const turns = async (): Promise<void> => {
    for (const { run, count, samples } of all) samples.push(((await timed(run, count)) * 1e6) / count);
  };
  // Twice: a count that was found with cold code makes rounds too short for the clock, or for V8 to see them.
  for (let time = 0; time < 2; time += 1) {
    for (const each of all) each.count = await countFor(each.run, each.count);
    for (let round = 0; round < warmRounds; round += 1) await turns();
  }
  for (const { samples } of all) samples.length = 0;
  for (let round = 0; round < rounds; round += 1) await turns();
  return Object.fromEntries(all.map(({ name, samples }) => [name, median(samples)]));
}

/** How many of it take a round's time. */
async function countFor(run: Contender, atLeast: number): Promise<number> {
  for (let count = atLeast; ; count *= 2) {
    let shortest = Infinity;
    for (let n = 0; n < tries; n += 1) shortest = Math.min(shortest, await timed(run, count));
    if (shortest >= roundMs) return count;
  }
}

/**
 * Milliseconds of this process, its collector among them: waiting for a core that others use is not its time. Of one thread alone Linux tells
 * them only as of the last tick.
 */
async function timed(run: Contender, count: number): Promise<number> {
  const before = process.cpuUsage();
  await run(count);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
