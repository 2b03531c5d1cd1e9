// Builds a page as an application would, serves it, and opens it in a real Chromium with a profile on the disk.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as found } from '@godwit/testkit/browser';
import { chromium, type Page } from 'playwright';
import { build, defaultClientConditions, preview, type InlineConfig } from 'vite';

/** Opens the page in `root`, lets `work` drive it, and answers what that does, and which browser it was. */
export async function inChromium<Answer>(
  root: string,
  work: (page: Page) => Promise<Answer>,
  args: readonly string[] = [],
): Promise<Answer & { readonly version: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-bench-'));
  const config: InlineConfig = {
    configFile: false,
    root,
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
  const launch = found();
  // Not a context as tests have it: what such a one stores is never on a disk.
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    ...launch,
    args: [...launch.args, ...args],
    headless: true,
  });
  try {
    const page = await context.newPage();
    page.on('console', (message) => process.stderr.write(`the page says: ${message.text()}\n`));
    page.on('pageerror', (error) => process.stderr.write(`the page threw: ${error.message}\n`));
    await page.goto(server.resolvedUrls?.local[0] ?? '');
    return { ...(await work(page)), version: `Chromium ${context.browser()?.version() ?? ''}` };
  } finally {
    await context.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
