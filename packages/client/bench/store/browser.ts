// Builds the page as an application would, serves it, and drives a real Chromium with a profile on the disk.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium as found } from '@godwit/testkit/browser';
import { chromium } from 'playwright';
import { build, defaultClientConditions, preview, type InlineConfig } from 'vite';
import type { Bursts, Drains, RowDrains } from './measure.ts';
import type { PageBench } from './page/page.ts';

/** The page's global. */
interface Bench {
  readonly bench: PageBench;
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
export async function measureInBrowser(): Promise<InBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-bench-'));
  const config: InlineConfig = {
    configFile: false,
    root: fileURLToPath(new URL('./page', import.meta.url)),
    logLevel: 'error',
    resolve: { conditions: ['@godwit/source', ...defaultClientConditions] },
    worker: { format: 'es' },
    build: { outDir: join(folder, 'page'), emptyOutDir: true, target: 'es2024' },
    // Isolated, so that the browser's clock tells microseconds.
    preview: {
      port: 0,
      headers: { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' },
    },
  };
  await build(config);
  const server = await preview(config);
  // Not a context as tests have it: what such a one stores is never on a disk.
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), { ...found(), headless: true });
  try {
    const page = await context.newPage();
    page.on('console', (message) => process.stderr.write(`the page says: ${message.text()}\n`));
    page.on('pageerror', (error) => process.stderr.write(`the page threw: ${error.message}\n`));
    await page.goto(server.resolvedUrls?.local[0] ?? '');
    // One after the other: the page and its worker have two threads, and the machine may have no more.
    const bursts = await page.evaluate(() => (globalThis as unknown as Bench).bench.bursts());
    const drains = await page.evaluate(() => (globalThis as unknown as Bench).bench.drains());
    const rows = await page.evaluate(() => (globalThis as unknown as Bench).bench.rows());
    const idleTimers = await page.evaluate(() => (globalThis as unknown as Bench).bench.idle());
    return { version: `Chromium ${context.browser()?.version() ?? ''}`, bursts, drains, rows, idleTimers };
  } finally {
    await context.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
