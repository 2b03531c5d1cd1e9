// For the examples: a runtime in this thread, whose disk is memory and which talks to no relay.
import {
  createEngine,
  createHandle,
  createMemoryDatabase,
  createMemoryDevice,
  openMemoryStore,
  worldOf,
  type EventDefinitions,
  type MemoryDatabase,
  type Runtime,
} from '@godwit/core';

/** A device: what its tabs share. */
export interface Device {
  readonly database: MemoryDatabase;
  readonly tabs: ReturnType<typeof createMemoryDevice>;
}

/** Makes a device with nothing on it. */
export function createDevice(): Device {
  return { database: createMemoryDatabase(), tabs: createMemoryDevice() };
}

/** Opens a tab of the device, with the events that its release knows. */
export function openTab<const Events extends EventDefinitions>(
  events: Events,
  device: Device = createDevice(),
): Promise<Runtime<Events>> {
  const world = worldOf(globalThis);
  const engine = createEngine({
    store: openMemoryStore(device.database, world),
    storage: 'memory',
    tabs: device.tabs.tab(),
    link: undefined,
    world,
    channels: [['shop', 'earliest']],
  });
  return createHandle({ engine, events, world, channels: ['shop'], report: (failure) => console.error(failure) });
}
