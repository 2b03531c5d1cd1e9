// End to end: a real Chromium, and a real relay for each test.
import { defineConfig } from '@playwright/test';
import { chromium } from '@godwit/testkit/browser';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  globalSetup: './src/setup.ts',
  // Every test has its own relay, port and data, so they do not meet; two cores carry two of them.
  fullyParallel: true,
  workers: 2,
  timeout: 120_000,
  // A device that found no relay for a while waits up to half a minute before it looks again, on a slow machine more.
  expect: { timeout: 60_000 },
  forbidOnly: true,
  // A test that passes only at the second try is broken.
  retries: 0,
  use: { browserName: 'chromium', launchOptions: chromium(), screenshot: 'only-on-failure' },
});
