// One thread of `npm run sim -- --threads N`: plays the seeds that it is given, one at a time.
import { parentPort, workerData } from 'node:worker_threads';
import { simulate } from '../src/testing/sim/index.ts';

parentPort?.on('message', (seed: number) => void play(seed));

async function play(seed: number): Promise<void> {
  parentPort?.postMessage(await simulate(seed, workerData));
}
