// What the client costs a page, beside what the platform alone would take: `npm run bench -- client`.
import { fileURLToPath } from 'node:url';
import { inChromium } from '../chromium.ts';
import { createFigures } from '../store/figures.ts';
import { ratioOf, type Samples } from '../store/measure.ts';
import { burstEvents } from '../store/orders.ts';
import type { ClientBench } from './page/page.ts';

declare global {
  /** What the page offers. */
  var bench: ClientBench;
}

const { version, bursts, singles, tabToTab, callbacks, starts, memory } = await inChromium(
  fileURLToPath(new URL('./page', import.meta.url)),
  async (page) => ({
    // One after the other: the page and its workers have two threads, and the machine may have no more.
    bursts: await page.evaluate(() => bench.bursts()),
    singles: await page.evaluate(() => bench.singles()),
    tabToTab: await page.evaluate(() => bench.tabToTab()),
    callbacks: await page.evaluate(() => bench.callbacks()),
    starts: await page.evaluate(() => bench.starts()),
    memory: await page.evaluate(() => bench.memory()),
  }),
  // Memory is told at once, not some time after the next collection.
  ['--enable-blink-features=ForceEagerMeasureMemory'],
);

const figures = createFigures('client');
figures.show(`${version}, IndexedDB, 'relaxed'`, [
  ['raw: 1,000 events as one message, one record', burstEvents, bursts.raw],
  ['runtime.publish in one tick, until the last has resolved', burstEvents, bursts.ours],
  ['raw: one event as one message, one record', 1, singles.raw],
  ['runtime.publish, until it has resolved', 1, singles.ours],
  ['raw: one record, told to another worker, which reads it', 1, tabToTab.raw],
  ["runtime.publish, until another tab's handler has run", 1, tabToTab.ours],
  ['createRuntime over an empty log', 1, starts.raw],
  ['createRuntime over a log of 100,000 events', 1, starts.ours],
]);
figures.noteMost('1,000 publishes in one tick, against raw', ratioOf(bursts.ours, bursts.raw), 1.5);
figures.noteMost('one publish, against raw', ratioOf(singles.ours, singles.raw), 1.5);
figures.noteMost('tab to tab, against raw', ratioOf(tabToTab.ours, tabToTab.raw), 2);
figures.noteMost('start-up over 100,000 events, against an empty log', ratioOf(starts.ours, starts.raw), 1.5);
figures.noteMost('memory with 100,000 events, against an empty log', memory.full / memory.empty, 1.1);
figures.noteMost('our callbacks at 1,000 events a second: p99.9, in ms', quantile(callbacks, 0.999), 5);
figures.end();

/** The value below which this share of the samples lies. */
function quantile(samples: Samples, share: number): number {
  return samples.toSorted((a, b) => a - b)[Math.ceil(samples.length * share) - 1] ?? Number.NaN;
}
