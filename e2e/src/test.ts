// The tests' world: a relay of their own, and as many devices as they ask for.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect, type BrowserContext } from '@playwright/test';
import type { Limits } from '@godwit/core/protocol';
import { startChild, type Child } from './child.ts';
import { startHangs, type Hangs } from './hang.ts';
import { startMiddle, type Middle } from './middle.ts';
import { makeProfile, type Profile } from './profile.ts';
import { startProxy, type Proxy } from './proxy.ts';
import { openWindow, type Window } from './window.ts';
import { pages, startRelay, type RelayProcess } from './relay.ts';

/** What a test is handed. */
export interface World {
  /** Which page the relay serves. */
  readonly assets: string;
  /** What it takes and keeps, where that is not what every relay does. */
  readonly limits: Partial<Limits>;
  readonly relay: RelayProcess;
  /** A device: a browser profile of its own. */
  readonly newDevice: () => Promise<BrowserContext>;
  /** A device whose browser can be killed. */
  readonly newProfile: () => Promise<Profile>;
  /** A browser as a person has it, with its own profile: what is not in front is hidden, and what is left is kept. */
  readonly newWindow: () => Promise<Window>;
  /** What workers wait for that hang. */
  readonly hangs: Hangs;
  /** A line to the relay that can be cut. */
  readonly newProxy: () => Promise<Proxy>;
  /** Something on the way to the relay that speaks HTTP, and does what it is told. */
  readonly newMiddle: () => Promise<Middle>;
  /** An empty folder. */
  readonly newFolder: () => Promise<string>;
  /** A process, started from the repository's root; ended with the test, also when that runs out of time. */
  readonly run: typeof startChild;
}

/** A test with a relay and devices. An error that a page did not catch fails it. */
export const test = base.extend<World>({
  assets: [pages.bare, { option: true }],
  limits: [{}, { option: true }],

  relay: async ({ assets, limits }, use) => {
    const relay = await startRelay(assets, limits);
    await use(relay);
    await relay.remove();
  },

  newDevice: async ({ browser }, use) => {
    const devices: BrowserContext[] = [];
    const errors: string[] = [];
    await use(async () => {
      const device = await browser.newContext();
      device.on('weberror', (error) => errors.push(error.error().message));
      devices.push(device);
      return device;
    });
    await Promise.all(devices.map((device) => device.close()));
    expect(errors, 'errors that no page caught').toEqual([]);
  },

  // oxlint-disable-next-line no-empty-pattern -- Playwright reads a fixture's needs from its first parameter.
  newProfile: async ({}, use) => {
    const profiles: Profile[] = [];
    await use(async () => {
      const profile = await makeProfile();
      profiles.push(profile);
      return profile;
    });
    await Promise.all(profiles.map((profile) => profile.remove()));
  },

  // oxlint-disable-next-line no-empty-pattern -- as above
  newWindow: async ({}, use) => {
    const windows: Window[] = [];
    await use(async () => {
      const window = await openWindow();
      windows.push(window);
      return window;
    });
    await Promise.all(windows.map((window) => window.close()));
  },

  // oxlint-disable-next-line no-empty-pattern -- as above
  hangs: async ({}, use) => {
    const hangs = await startHangs();
    await use(hangs);
    await hangs.close();
  },

  newProxy: async ({ relay }, use) => {
    const proxies: Proxy[] = [];
    await use(async () => {
      const proxy = await startProxy(relay.url);
      proxies.push(proxy);
      return proxy;
    });
    await Promise.all(proxies.map((proxy) => proxy.close()));
  },

  newMiddle: async ({ relay }, use) => {
    const middles: Middle[] = [];
    await use(async () => {
      const middle = await startMiddle(relay.url);
      middles.push(middle);
      return middle;
    });
    await Promise.all(middles.map((middle) => middle.close()));
  },

  // oxlint-disable-next-line no-empty-pattern -- as above
  newFolder: async ({}, use) => {
    const folders: string[] = [];
    await use(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'godwit-e2e-'));
      folders.push(folder);
      return folder;
    });
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 })));
  },

  // oxlint-disable-next-line no-empty-pattern -- as above
  run: async ({}, use) => {
    const children: Child[] = [];
    await use((...command) => {
      const child = startChild(...command);
      children.push(child);
      return child;
    });
    await Promise.all(children.map((child) => child.end('SIGTERM')));
  },
});

export { expect };
