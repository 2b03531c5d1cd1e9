// In the browser: a runtime as a page has it, whose worker is the one that measures.
import type { Runtime } from '@godwit/core';
import { createRuntime } from '../../../src/main/create-runtime.ts';
import { burst, defineThree, drainLog, drainRows, fill, untilHandled } from '../handlers.ts';
import { mediansOf, note, timed, type Times } from '../measure.ts';
import { burstEvents, shop, type Shop } from '../orders.ts';
import type { Drains } from '../sqlite.ts';
import { wire, type Ask, type Told } from './wire.ts';

const warmUps = 3;
const rounds = 15;
const drains = 3;

const channel = new BroadcastChannel(wire);

/** What the page measures when it is asked to. */
export interface PageBench {
  bursts(): Promise<Readonly<Record<string, number>>>;
  drain(events: number, withRows: boolean): Promise<Drains>;
}

const bench: PageBench = {
  async bursts() {
    const runtime = await open('bursts');
    const names = await defineThree(runtime);
    const times: Times = {};
    for (let round = 1; round <= warmUps + rounds; round += 1) {
      const its = round <= warmUps ? {} : times;
      note(its, 'raw', await raw(burstEvents));
      const engine = told('engine');
      note(its, 'whole', await timed(() => burst(runtime)));
      note(its, 'engine', await engine);
      await untilHandled(runtime, names, round * burstEvents);
    }
    await runtime.close();
    return mediansOf(times);
  },

  async drain(events, withRows) {
    const runtime = await open(`drain-${events}`);
    await fill(runtime, events);
    const times: Times = {};
    for (let round = 0; round <= drains; round += 1) {
      const its = round === 0 ? {} : times;
      note(its, 'raw', await raw(events));
      note(its, 'log', await drainLog(runtime, `log ${round}`, events));
      if (withRows) note(its, 'rows', await drainRows(runtime, `rows ${round}`, events));
    }
    await runtime.close();
    const { raw: rawMs = Number.NaN, log = Number.NaN, rows } = mediansOf(times);
    return { events, raw: rawMs, log, rows };
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
function raw(events: number): Promise<number> {
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
