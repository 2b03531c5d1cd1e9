// Godwit where a page is rendered by a server: a runtime in memory, which hears itself, and whose events end with it.
import {
  createMemoryDatabase,
  createMemoryDevice,
  openMemoryStore,
  worldOf,
  type EventDefinitions,
  type Runtime,
} from '@godwit/core';
import { openInThread } from './in-thread.ts';
import { checkOptions, type RuntimeOptions } from './main/options.ts';

export type { RuntimeOptions } from './main/options.ts';
export type { ChannelOption, CommonOptions } from './options.ts';
export type { TokenSource } from './link/token.ts';

/**
 * Opens a runtime that talks to nobody, whatever the options say: a server renders for many, and is no device of any of
 * them. `status.storage` is `memory`. For a device that lasts, on Node, see `@godwit/client/node`.
 *
 * @throws Failure `InvalidOptions`, `InvalidChannel`
 */
export async function createRuntime<const Events extends EventDefinitions>(
  options: RuntimeOptions<Events>,
): Promise<Runtime<Events>> {
  // A server that renders has no address that a relative one would stand behind.
  const checked = checkOptions(options, 'http://localhost');
  const world = worldOf(globalThis);
  return openInThread(options, checked, {
    store: openMemoryStore(createMemoryDatabase(), world),
    storage: 'memory',
    tabs: createMemoryDevice().tab(),
    link: undefined,
    world,
  });
}
