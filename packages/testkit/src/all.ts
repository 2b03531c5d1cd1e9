// Every project's tests in one run: a config per environment (Node, workerd, a browser) in each package and app, and end to end what judges its runs.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('../../..', import.meta.url).pathname,
  test: {
    projects: ['packages/*/vitest*.config.ts', 'apps/*/vitest*.config.ts', 'e2e/vitest.config.ts'],
    passWithNoTests: false,
  },
});
