// In the browser: a runtime as a page has it, whose worker is the one that measures.
import type { Runtime } from '@godwit/core';
import { createRuntime } from '../../../src/main/create-runtime.ts';
import { burst, defineThree, drainLog, drainRows, fill, untilHandled } from '../handlers.ts';
import { timed, type Bursts, type Drain, type Samples } from '../measure.ts';
import { burstEvents, shop, type Shop } from '../orders.ts';
import { wire, type Ask, type Told } from './wire.ts';

const warmUps = 3;
const rounds = 15;
const drainRounds = 3;

const channel = new BroadcastChannel(wire);

/** What the page measures when it is asked to. */
export interface PageBench {
  bursts(): Promise<Bursts>;
  drains(sizes: readonly number[]): Promise<readonly Drain[]>;
  rows(events: number): Promise<Samples>;
}

const bench: PageBench = {
  async bursts() {
    const runtime = await open('bursts');
    const names = await defineThree(runtime);
    const [raw, whole, engine]: number[][] & { readonly length: 3 } = [[], [], []];
    for (let round = 1; round <= warmUps + rounds; round += 1) {
      raw.push(await written(burstEvents));
      const engineMs = told('engine');
      whole.push(await timed(() => burst(runtime)));
      engine.push(await engineMs);
      await untilHandled(runtime, names, round * burstEvents);
    }
    await runtime.close();
    return { raw: raw.slice(warmUps), whole: whole.slice(warmUps), engine: engine.slice(warmUps) };
  },

  async drains(sizes) {
    const logs = sizes.map((events): { events: number; raw: number[]; log: number[] } => ({ events, raw: [], log: [] }));
    const runtimes: Runtime<Shop>[] = [];
    for (const events of sizes) {
      const runtime = await open(`log of ${events}`);
      await fill(runtime, events);
      runtimes.push(runtime);
    }
    // The first round warms up.
    for (let round = 0; round <= drainRounds; round += 1) {
      for (const [index, { events, raw, log }] of logs.entries()) {
        const runtime = runtimes[index];
        if (runtime === undefined) continue;
        raw.push(await written(events));
        log.push(await drainLog(runtime, `log ${round}`, events));
      }
    }
    for (const runtime of runtimes) await runtime.close();
    return logs.map(({ events, raw, log }) => ({ events, raw: raw.slice(1), log: log.slice(1) }));
  },

  async rows(events) {
    const runtime = await open('rows');
    await fill(runtime, events);
    const ms = await drainRows(runtime, 'rows', events);
    await runtime.close();
    return [ms];
  },
};

Object.assign(globalThis, { bench });

function open(name: string): Promise<Runtime<Shop>> {
  return createRuntime({
    name,
    events: shop,
    channels: ['shop'],
    logger: { debug() {}, info() {}, warn() {}, error: (message) => console.error(message) },
    worker: () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'godwit-bench' }),
  });
}

/** The worker writes so many records by itself. */
function written(events: number): Promise<number> {
  const ms = told('raw');
  channel.postMessage({ ask: events } satisfies Ask);
  return ms;
}

/** The next that the worker tells of this. */
function told(what: Told['told']): Promise<number> {
  return new Promise((resolve) => {
    const hear = ({ data }: MessageEvent<Told>): void => {
      if (data.told !== what) return;
      channel.removeEventListener('message', hear);
      resolve(data.ms);
    };
    channel.addEventListener('message', hear);
  });
}
