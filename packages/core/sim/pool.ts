// Plays seeds one after the other, here or on several threads: each thread takes the next seed as soon as it is done with one.
import { Worker } from 'node:worker_threads';
import { simulate, type PlanBounds, type SimReport } from '../src/testing/sim/index.ts';

/** Which seeds are played. */
export interface Seeds {
  readonly from: number;
  readonly count: number;
  readonly bounds: PlanBounds;
}

/** Plays them in this thread, in their order. */
export async function* playHere({ from, count, bounds }: Seeds): AsyncGenerator<SimReport> {
  for (let seed = from; seed < from + count; seed += 1) yield await simulate(seed, bounds);
}

/** Plays them on so many threads. Answers in the order in which they end; leaving the loop ends the threads. */
export async function* playOn(threads: number, { from, count, bounds }: Seeds): AsyncGenerator<SimReport> {
  const reports: SimReport[] = [];
  let news = Promise.withResolvers<void>();
  let next = from;
  const workers = Array.from({ length: Math.min(threads, count) }, () => {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: bounds });
    const give = (): void => {
      if (next < from + count) worker.postMessage(next);
      next += 1;
    };
    worker.on('message', (report: SimReport) => {
      reports.push(report);
      give();
      news.resolve();
    });
    worker.on('error', (error) => news.reject(error));
    give();
    return worker;
  });
  try {
    for (let played = 0; played < count;) {
      await news.promise;
      news = Promise.withResolvers();
      for (const report of reports.splice(0)) {
        played += 1;
        yield report;
      }
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
