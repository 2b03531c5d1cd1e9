// A runtime whose engine runs in the application's own thread, as where there is no worker.
import { createEngine, createHandle, type EngineParts, type EventDefinitions, type Runtime } from '@godwit/core';
import { engineTasks, type CheckedCommon, type CommonOptions } from './options.ts';

/** Opens it over what the platform has. */
export function openInThread<const Events extends EventDefinitions>(
  options: CommonOptions<Events>,
  { channels, retention, outbox, logger }: CheckedCommon,
  platform: Pick<EngineParts, 'store' | 'storage' | 'tabs' | 'link' | 'world'>,
): Promise<Runtime<Events>> {
  const { world } = platform;
  const engine = createEngine({
    ...platform,
    channels,
    tasks: engineTasks(options.tasks),
    retention,
    outboxLimits: outbox,
  });
  return createHandle({ ...options, logger, engine, world, channels: channels.map(([channel]) => channel) });
}
