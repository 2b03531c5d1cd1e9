// The second engine: the main cases in Firefox, over the same relays. What needs Chromium's own ways to crash is left out.
import { defineConfig } from '@playwright/test';
import { firefox } from '@godwit/testkit/browser';
import base from './playwright.config.ts';

export default defineConfig(base, {
  testMatch: /(tabs|devices|outages|demo|eventsource)\.spec\.ts$/,
  grepInvert: /@chromium|@slow/,
  use: { browserName: 'firefox', launchOptions: firefox() },
});
