// Before all tests: a test runs `npm start`, which builds the demo anew while others are served it, so that those get a copy.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './child.ts';
import { pages } from './relay.ts';

/** Copies the demo as it was built. */
export default async function copyDemo(): Promise<void> {
  await rm(pages.demo, { recursive: true, force: true });
  await cp(join(root, 'apps/demo/dist'), pages.demo, { recursive: true });
}
