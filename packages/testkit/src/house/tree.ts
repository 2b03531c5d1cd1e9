// The repository's own files as text: what the house's checks look at. A test plants its violations in one of these.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Paths from the repository's root, with forward slashes, and what the files hold. */
export type Tree = ReadonlyMap<string, string>;

/** What is made, fetched or kept by tools is not ours to check. */
const passedOver = new Set([
  'node_modules',
  'dist',
  'coverage',
  'test-results',
  'playwright-report',
  '.git',
  '.turbo',
  '.tsbuild',
  '.wrangler',
  '.data',
  '.vite',
  '.vitest-attachments',
]);
const texts = /\.(ts|js|json|jsonc|md|css|html|ya?ml)$|^\.|(^|\/)(run|LICENSE)$/;

/** Where the repository begins. */
export const root: string = new URL('../../../..', import.meta.url).pathname;

/** Reads every text file below `folder`. */
export function readTree(folder: string = root): Tree {
  const files = new Map<string, string>();
  walk(folder, (path) => {
    const name = relative(folder, path).split(sep).join('/');
    if (texts.test(name)) files.set(name, readFileSync(path, 'utf8'));
  });
  return files;
}

/** A tree for a test. */
export function tree(files: Readonly<Record<string, string>>): Tree {
  return new Map(Object.entries(files));
}

/** Whether it is code of ours, and no test. */
export function isSource(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.d.ts') && !isTest(path);
}

/** Whether it is a test, or stands beside tests for their use only. */
export function isTest(path: string): boolean {
  return /\.(test|spec|bench)(-\w+)?\.ts$/.test(path) || /(^|\/)(test|tests)\//.test(path);
}

function walk(folder: string, visit: (path: string) => void): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (passedOver.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path, visit);
    else if (entry.isFile()) visit(path);
  }
}
