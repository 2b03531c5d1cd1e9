// A device whose browser can be killed: its profile lives in a folder and outlives the process.
import { mkdtemp, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from '@playwright/test';
import { chromium as found } from '@godwit/testkit/browser';

/** A profile in a folder. */
export interface Profile {
  /** Starts a browser on it. */
  launch(): Promise<BrowserContext>;
  /** SIGKILL to the browser's main process. Everything else of it ends with that. */
  kill(): Promise<void>;
  /** Closes what runs, and forgets the profile. */
  remove(): Promise<void>;
}

/** Makes an empty profile. */
export async function makeProfile(): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-profile-'));
  let browser: BrowserContext | undefined;
  return {
    async launch() {
      browser = await chromium.launchPersistentContext(folder, { ...found(), headless: true });
      return browser;
    },
    async kill() {
      const closed = browser?.waitForEvent('close');
      // Chromium writes who holds the profile as a link: `host-pid`.
      const holder = await readlink(join(folder, 'SingletonLock'));
      process.kill(Number(holder.slice(holder.lastIndexOf('-') + 1)), 'SIGKILL');
      await closed;
      browser = undefined;
      // The next browser would take a killed one's lock for a running one's, if its pid was taken again.
      await rm(join(folder, 'SingletonLock'), { force: true });
    },
    async remove() {
      await browser?.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
