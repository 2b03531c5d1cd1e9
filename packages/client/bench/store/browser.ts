// Drives the page that measures in a real Chromium.
import { fileURLToPath } from 'node:url';
import { inChromium } from '../chromium.ts';
import type { Bursts, Drains, RowDrains } from './measure.ts';
import type { PageBench } from './page/page.ts';

declare global {
  /** Of the page. */
  // oxlint-disable-next-line no-var -- nothing else declares a global's member
  var storeBench: PageBench;
}

/** What was measured in the browser. */
export interface InBrowser {
  readonly version: string;
  readonly bursts: Bursts;
  readonly drains: Drains;
  readonly rows: RowDrains;
  readonly idleTimers: number;
}

/** Measures there. */
export function measureInBrowser(): Promise<InBrowser> {
  return inChromium(fileURLToPath(new URL('./page', import.meta.url)), async (page) => ({
    // One after the other: the page and its worker have two threads, and the machine may have no more.
    bursts: await page.evaluate(() => globalThis.storeBench.bursts()),
    drains: await page.evaluate(() => globalThis.storeBench.drains()),
    rows: await page.evaluate(() => globalThis.storeBench.rows()),
    idleTimers: await page.evaluate(() => globalThis.storeBench.idle()),
  }));
}
