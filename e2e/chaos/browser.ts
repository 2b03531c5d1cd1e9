// One device's Chromium on a profile that outlives it, driven without Playwright's own settings: those keep every tab as if
// it were in front, and such a tab cannot be frozen.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext } from '@playwright/test';
import { chromium as found } from '@godwit/testkit/browser';
import { startProgram, type Program } from './processes.ts';

/** A profile, and the browser that may run on it. */
export interface Profile {
  /** Starts the browser. */
  launch(): Promise<BrowserContext>;
  /** SIGKILL to all of its processes. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

/** Makes an empty profile. */
export async function makeProfile(): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-chaos-profile-'));
  let program: Program | undefined;
  let browser: Browser | undefined;

  async function kill(): Promise<void> {
    const [ending, connection] = [program, browser];
    program = undefined;
    browser = undefined;
    await ending?.end('SIGKILL');
    await connection?.close();
    // The next browser would take a killed one's lock for a running one's, if its pid was taken again.
    await rm(join(folder, 'SingletonLock'), { force: true });
  }

  return {
    kill,
    async launch() {
      const { executablePath = chromium.executablePath(), args } = found();
      const place = [`--user-data-dir=${folder}`, '--remote-debugging-port=0', '--no-first-run', 'about:blank'];
      program = startProgram(executablePath, [...args, '--headless=new', ...place]);
      const address = /ws:\/\/\S+/.exec(await program.line(/DevTools listening on ws:/))?.[0] ?? '';
      browser = await chromium.connectOverCDP(address, { noDefaults: true });
      const [context] = browser.contexts();
      if (context === undefined) throw new Error('the browser has no profile');
      return context;
    },
    async remove() {
      await kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
