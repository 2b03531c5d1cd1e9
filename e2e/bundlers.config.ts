// The client as a stranger gets it: packed, installed into a folder of its own, built by every bundler, opened in Chromium.
import { defineConfig } from '@playwright/test';
import base from './playwright.config.ts';

export default defineConfig(base, {
  testDir: 'bundlers',
  // A build of Next.js takes half a minute where nothing else runs.
  timeout: 240_000,
  // They share one installation, and each takes both cores.
  workers: 1,
  fullyParallel: false,
});
