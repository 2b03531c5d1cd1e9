// In the browser: runtimes as pages have them, with the shipped worker, beside what the platform alone would take.
import type { Runtime } from '@godwit/core';
import { createRuntime } from '../../../src/main/create-runtime.ts';
import { timed, type Samples } from '../../store/measure.ts';
import { burstEvents, eventsOf, orderOf, shop, type Shop } from '../../store/orders.ts';
import { timeCallbacks } from './callbacks.ts';
import type { RawAsk } from './wire.ts';

const warmUps = 5;
/** As the store's bursts have: until then an engine still compiles what it runs, on the cores that are measured. */
const burstWarmUps = 50;
const burstRounds = 75;
const singleRounds = 201;
const startRounds = 11;
/** What a full log holds. */
const logEvents = 100_000;
/** How long the page is busy with a thousand events a second, in milliseconds. */
const steadyMs = 5000;
/** How often it publishes then, and how many at once: a thousand a second. */
const steady = { everyMs: 10, events: 10 };

/** What is measured, and beside what. */
export interface Beside {
  readonly raw: Samples;
  readonly ours: Samples;
}

/** What the page measures when it is asked to. */
export interface ClientBench {
  bursts(): Promise<Beside>;
  singles(): Promise<Beside>;
  tabToTab(): Promise<Beside>;
  /** How long a runtime takes to open over an empty log, and over a full one. */
  starts(): Promise<Beside>;
  /** How many bytes the page and its workers hold, with a runtime over an empty log and over a full one. */
  memory(): Promise<{ readonly empty: number; readonly full: number }>;
  /** Every callback of ours on this thread, in milliseconds. */
  callbacks(): Promise<Samples>;
}

const callbacks = timeCallbacks();
const writer = rawWorker();
const reader = rawWorker();

const bench: ClientBench = {
  async bursts() {
    const runtime = await open('bursts');
    const texts = eventsOf(burstEvents).map((event) => JSON.stringify(event));
    const measured = await beside(
      burstRounds,
      () => stored(texts, false),
      () => Promise.all(texts.map((_, n) => runtime.publish('order.placed', orderOf(n)))),
      burstWarmUps,
    );
    await runtime.close();
    return measured;
  },

  async singles() {
    const runtime = await open('singles');
    const texts = eventsOf(1).map((event) => JSON.stringify(event));
    const measured = await beside(
      singleRounds,
      () => stored(texts, false),
      () => runtime.publish('order.placed', orderOf(1)),
    );
    await runtime.close();
    return measured;
  },

  async tabToTab() {
    const [alice, bob] = [await open('tabs'), await open('tabs')];
    const texts = eventsOf(1).map((event) => JSON.stringify(event));
    let heard: (() => void) | undefined;
    bob.on('order.placed', () => heard?.());
    const measured = await beside(
      singleRounds,
      () => {
        const read = next(reader);
        void stored(texts, true);
        return read;
      },
      () =>
        new Promise<void>((resolve) => {
          heard = resolve;
          void alice.publish('order.placed', orderOf(1));
        }),
    );
    await Promise.all([alice.close(), bob.close()]);
    return measured;
  },

  async starts() {
    await filled();
    return beside(
      startRounds,
      () => opened('empty'),
      () => opened('full'),
    );
  },

  async memory() {
    await filled();
    const held: number[] = [];
    for (const name of ['empty', 'full']) {
      const runtime = await open(name);
      await runtime.publish('order.placed', orderOf(1));
      held.push(await bytesHeld());
      await runtime.close();
    }
    const [empty = Number.NaN, full = Number.NaN] = held;
    return { empty, full };
  },

  async callbacks() {
    const runtime = await open('steady');
    let heard = 0;
    runtime.on('order.placed', () => (heard += 1));
    const publish = (): void => {
      for (let n = 0; n < steady.events; n += 1) void runtime.publish('order.placed', orderOf(n));
    };
    const begun = performance.now();
    callbacks.begin();
    while (performance.now() - begun < steadyMs) {
      callbacks.time(publish);
      await passed(steady.everyMs);
    }
    const samples = callbacks.end();
    if (heard === 0) throw new Error('nothing was heard');
    await runtime.close();
    return samples;
  },
};

Object.assign(globalThis, { bench });

/** They take turns, so that what disturbs one disturbs the other. */
async function beside(
  rounds: number,
  raw: () => Promise<unknown>,
  ours: () => Promise<unknown>,
  unmeasured = warmUps,
): Promise<Beside> {
  const samples: { readonly raw: number[]; readonly ours: number[] } = { raw: [], ours: [] };
  for (let round = 0; round < unmeasured + rounds; round += 1) {
    samples.raw.push(await timed(raw));
    samples.ours.push(await timed(ours));
  }
  return { raw: samples.raw.slice(unmeasured), ours: samples.ours.slice(unmeasured) };
}

let filling: Promise<void> | undefined;

function filled(): Promise<void> {
  return (filling ??= (async () => {
    const runtime = await open('full');
    for (let n = 0; n < logEvents; n += burstEvents) {
      await Promise.all(
        Array.from({ length: burstEvents }, (_, at) => runtime.publish('order.placed', orderOf(n + at))),
      );
    }
    await runtime.close();
  })());
}

async function opened(name: string): Promise<void> {
  const runtime = await open(name);
  // Closing is not what is measured, and must not overlap with what is measured next.
  closing = runtime.close();
}

let closing: Promise<void> = Promise.resolve();

async function open(name: string): Promise<Runtime<Shop>> {
  await closing;
  return createRuntime({ name, events: shop, channels: ['shop'] });
}

function rawWorker(): Worker {
  return new Worker(new URL('./raw.ts', import.meta.url), { type: 'module' });
}

/** One message with all of them, one transaction of one record, and the answer. */
function stored(texts: readonly string[], isTold: boolean): Promise<void> {
  writer.postMessage({ texts, isTold } satisfies RawAsk);
  return next(writer);
}

function next(worker: Worker): Promise<void> {
  return new Promise((resolve) => worker.addEventListener('message', () => resolve(), { once: true }));
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

async function bytesHeld(): Promise<number> {
  if (!('measureUserAgentSpecificMemory' in performance)) throw new Error('this browser does not tell its memory');
  const measure = performance.measureUserAgentSpecificMemory as () => Promise<{ readonly bytes: number }>;
  return (await measure.call(performance)).bytes;
}
