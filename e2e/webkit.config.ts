// The third engine: the demo's main flow in WebKitGTK, which Playwright does not drive.
import { defineConfig } from '@playwright/test';
import base from './playwright.config.ts';

export default defineConfig(base, { testDir: 'webkit', workers: 1 });
