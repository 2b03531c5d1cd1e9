// A browser as a person has it: tabs in the background are hidden, may be frozen, and pages that were left are kept.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type BrowserContext, type Page } from '@playwright/test';
import { chromium as found } from '@godwit/testkit/browser';

/** A window with tabs. */
export interface Window {
  readonly device: BrowserContext;
  close(): Promise<void>;
}

/**
 * Opens a window. Playwright's own launch keeps every tab focused and switches the back/forward cache off, so this one
 * is started by hand, and Playwright joins it without its defaults.
 */
export async function openWindow(): Promise<Window> {
  const { running, browser } = await joined(startsMax);
  const [device] = browser.contexts();
  if (device === undefined) throw new Error('the browser has no context');
  return {
    device,
    async close() {
      await browser.close();
      await running.end();
    },
  };
}

/** A browser that was joined while its first tabs came and went answers nothing: another is started, so many times. */
const startsMax = 3;
/** How long joining may take, in milliseconds, before that is taken to have happened. */
const joinMsMax = 15_000;

async function joined(starts: number): Promise<{
  readonly running: Awaited<ReturnType<typeof startBrowser>>;
  readonly browser: Browser;
}> {
  const running = await startBrowser('--no-startup-window');
  try {
    const how = { noDefaults: true, timeout: joinMsMax };
    return { running, browser: await chromium.connectOverCDP(running.address, how) };
  } catch (error) {
    await running.end();
    if (starts === 1) throw error;
    return joined(starts - 1);
  }
}

/** Starts a browser that nobody watches, unless somebody connects to its address. */
export async function startBrowser(...more: readonly string[]): Promise<{
  readonly address: string;
  end(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-window-'));
  const { executablePath = chromium.executablePath(), args } = found();
  const own = ['--headless=new', '--no-first-run', '--remote-debugging-port=0', `--user-data-dir=${folder}`];
  const child = spawn(executablePath, [...args, ...own, ...more], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve());
  });
  return {
    address: await addressOf(child, ended),
    async end() {
      child.kill('SIGKILL');
      await ended;
      // Its helpers end a moment later, and may still write.
      await rm(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

/** Freezes a tab that is not in front, as a browser does that saves energy, or lets it go on. */
export async function setFrozen(page: Page, frozen: boolean): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state: frozen ? 'frozen' : 'active' });
  await session.detach();
}

async function addressOf({ stderr }: ChildProcess, ended: Promise<void>): Promise<string> {
  if (stderr === null) throw new Error('the browser has no stderr');
  return new Promise((resolve, reject) => {
    createInterface({ input: stderr }).on('line', (line) => {
      const address = /^DevTools listening on (ws:.*)$/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    void ended.then(() => reject(new Error('the browser ended before it said where it listens')));
  });
}
