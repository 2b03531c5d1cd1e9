// Godwit where a page is rendered by a server: a runtime in memory, which hears itself, and whose events end with it.
import {
  createEngine,
  createHandle,
  createMemoryDatabase,
  createMemoryDevice,
  openMemoryStore,
  worldOf,
  type EventDefinitions,
  type Runtime,
} from '@godwit/core';
import { checkOptions, type RuntimeOptions } from './main/options.ts';
import { engineTasks } from './options.ts';

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
  const { channels, retention, outbox, logger } = checkOptions(options, 'http://localhost');
  const world = worldOf(globalThis);
  const engine = createEngine({
    store: openMemoryStore(createMemoryDatabase(), world),
    storage: 'memory',
    tabs: createMemoryDevice().tab(),
    link: undefined,
    world,
    channels,
    tasks: engineTasks(options.tasks),
    retention,
    outboxLimits: outbox,
  });
  return createHandle({
    ...options,
    logger,
    engine,
    world,
    channels: channels.map(([channel]) => channel),
  });
}
