import { createChannels } from '../feed/channels.ts';
import { createMemoryLink } from '../memory/link.ts';
import { createMemoryLogs } from '../memory/log.ts';
import { createMemoryDatabase, openMemoryStore, type MemoryDatabase } from '../memory/store.ts';
import { createMemoryDevice, type MemoryDevice } from '../memory/tabs.ts';
import { defaultLimits } from '../protocol/limits.ts';
import { flowContract, flowEvents } from '../testing/flow-contract.ts';
import { ambientWorld } from '../dispatcher/ambient.ts';
import { createEngine } from './create-engine.ts';
import { createHandle } from './create-handle.ts';

flowContract('in one thread', async () => {
  const world = ambientWorld;
  const relay = createChannels({ logs: createMemoryLogs(world), world, limits: defaultLimits, report: () => undefined });
  const devices = new Map<string, { readonly database: MemoryDatabase; readonly tabs: MemoryDevice }>();
  return {
    tab(name, channels = ['board']) {
      const device = devices.get(name) ?? { database: createMemoryDatabase(), tabs: createMemoryDevice() };
      devices.set(name, device);
      const engine = createEngine({
        store: openMemoryStore(device.database, world),
        storage: 'memory',
        tabs: device.tabs.tab(),
        link: createMemoryLink(relay),
        world,
        channels: channels.map((channel) => [channel, 'earliest']),
      });
      return createHandle({ engine, events: flowEvents, world, channels, report: () => undefined });
    },
    close: () => relay.close(),
  };
});
