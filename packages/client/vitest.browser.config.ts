// The client in a real browser: IndexedDB, Web Locks, workers.
import { chromium } from '@godwit/testkit/browser';
import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import { bundledWorker } from './test/bundled-worker.ts';
import { cutterCommands } from './test/cutter.ts';
import { relayCommands } from './test/relay.ts';

export default defineConfig({
  plugins: [bundledWorker()],
  resolve: { conditions: ['@godwit/source', ...defaultClientConditions] },
  // Named, since one that is found only in the middle of a run reloads the page.
  optimizeDeps: {
    include: [
      'comlink',
      'eventsource-parser',
      'fast-check',
      'idb',
      'valibot',
      'react',
      'react/jsx-runtime',
      'react/jsx-dev-runtime',
      'react-dom/client',
    ],
  },
  worker: { format: 'es' },
  test: {
    name: 'client/chromium',
    include: ['src/**/*.browser.test.ts', 'test/**/*.browser.test.ts'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      commands: { ...relayCommands, ...cutterCommands },
      provider: playwright({ launchOptions: chromium() }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
