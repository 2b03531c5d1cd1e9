// In the browser: a runtime as a page has it, whose worker is the one that measures.
import type { Runtime } from '@godwit/core';
import { createRuntime } from '../../../src/main/create-runtime.ts';
import { burst, defineThree, drainLog, drainRows, fill, untilHandled } from '../handlers.ts';
import { dueEvents, logSizes, timed, type Bursts, type Drains, type RowDrains } from '../measure.ts';
import { burstEvents, shop, type Shop } from '../orders.ts';
import { countTimers } from './timers.ts';
import { timerWire, wire, type Ask, type Told } from './wire.ts';

const warmUps = 3;
const rounds = 15;
const drainRounds = 3;
const rowRounds = 3;

/** How long an idle runtime is watched, in milliseconds: more than two beats of a lease. */
const idleMs = 7000;

const setTimer = globalThis.setTimeout.bind(globalThis);
const timers = countTimers();
const channel = new BroadcastChannel(wire);
const asked = new BroadcastChannel(timerWire);
const rawWorker = new Worker(new URL('./raw.ts', import.meta.url), { type: 'module' });

/** What the page measures when it is asked to. */
export interface PageBench {
  bursts(): Promise<Bursts>;
  drains(): Promise<Drains>;
  rows(): Promise<RowDrains>;
  /** How many timers the page and its worker set while nothing is due. */
  idle(): Promise<number>;
}

const storeBench: PageBench = {
  async bursts() {
    const runtime = await open('bursts');
    const names = await defineThree(runtime);
    const raw: number[] = [];
    const whole: number[] = [];
    const engine: number[] = [];
    for (let round = 1; round <= warmUps + rounds; round += 1) {
      raw.push(await written(burstEvents));
      const engineMs = told(channel);
      whole.push(await timed(() => burst(runtime)));
      engine.push(await engineMs);
      await untilHandled(runtime, names, round * burstEvents);
    }
    await runtime.close();
    return { raw: raw.slice(warmUps), whole: whole.slice(warmUps), engine: engine.slice(warmUps) };
  },

  async drains() {
    const logs: { readonly events: number; readonly runtime: Runtime<Shop>; readonly log: number[] }[] = [];
    for (const events of logSizes) {
      const runtime = await open(`log of ${events}`);
      await fill(runtime, events);
      logs.push({ events, runtime, log: [] });
    }
    const raw: number[] = [];
    // The first round warms up.
    for (let round = 0; round <= drainRounds; round += 1) {
      raw.push(await written(dueEvents));
      for (const { events, runtime, log } of logs) log.push(await drainLog(runtime, `log ${round}`, events));
    }
    for (const { runtime } of logs) await runtime.close();
    return { raw: raw.slice(1), logs: logs.map(({ events, log }) => ({ events, log: log.slice(1) })) };
  },

  async rows() {
    const runtime = await open('rows');
    await fill(runtime, dueEvents);
    const raw: number[] = [];
    const drained: number[] = [];
    for (let round = 0; round <= rowRounds; round += 1) {
      const { ms, rows } = await drainRows(runtime, `rows ${round}`, dueEvents);
      drained.push(ms);
      raw.push(await written(rows));
    }
    await runtime.close();
    // The first round warms up.
    return { raw: raw.slice(1), rows: drained.slice(1) };
  },

  async idle() {
    const runtime = await open('idle');
    const names = await defineThree(runtime);
    await burst(runtime);
    await untilHandled(runtime, names, burstEvents);
    // Whatever was under way comes to rest.
    await passed(idleMs);
    const before = await timersSet();
    await passed(idleMs);
    const set = (await timersSet()) - before;
    await runtime.close();
    return set;
  },
};

Object.assign(globalThis, { storeBench });

function open(name: string): Promise<Runtime<Shop>> {
  return createRuntime({
    name,
    events: shop,
    channels: ['shop'],
    logger: { debug() {}, info() {}, warn() {}, error: (message) => console.error(message) },
    worker: () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'godwit-bench' }),
  });
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimer(resolve, ms));
}

/** In the page and in its worker. */
function timersSet(): Promise<number> {
  return new Promise((resolve) => {
    const hear = ({ data }: MessageEvent<number>): void => resolve(timers() + data);
    asked.addEventListener('message', hear, { once: true });
    asked.postMessage('how many?');
  });
}

/** A worker writes so many records, or these rows, by itself. */
function written(ask: Ask['ask']): Promise<number> {
  rawWorker.postMessage({ ask } satisfies Ask);
  return told(rawWorker);
}

/** What is told next. */
function told(teller: EventTarget): Promise<number> {
  return new Promise((resolve) => {
    const hear = (message: Event): void => resolve((message as MessageEvent<Told>).data.ms);
    teller.addEventListener('message', hear, { once: true });
  });
}
