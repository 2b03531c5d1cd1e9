// The tests' world: a relay of their own, and as many devices as they ask for.
import { test as base, expect, type BrowserContext } from '@playwright/test';
import { pages, startRelay, type RelayProcess } from './relay.ts';

/** What a test is handed. */
export interface World {
  /** Which page the relay serves. */
  readonly assets: string;
  readonly relay: RelayProcess;
  /** A device: a browser profile of its own. */
  readonly newDevice: () => Promise<BrowserContext>;
}

/** A test with a relay and devices. An error that a page did not catch fails it. */
export const test = base.extend<World>({
  assets: [pages.bare, { option: true }],

  relay: async ({ assets }, use) => {
    const relay = await startRelay(assets);
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
});

export { expect };
