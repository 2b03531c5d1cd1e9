// For tests: one relay, devices by name, and tabs of whatever release, all in this thread.
import { onTestFinished } from 'vitest';
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { EventDefinitions } from '../../event/define.ts';
import { createChannels } from '../../feed/channels.ts';
import { createMemoryLink } from '../../memory/link.ts';
import { createMemoryLogs } from '../../memory/log.ts';
import { createMemoryDatabase, openMemoryStore } from '../../memory/store.ts';
import { createMemoryDevice } from '../../memory/tabs.ts';
import type { Link } from '../../ports/link.ts';
import type { Tabs } from '../../ports/tabs.ts';
import type { DeviceStore } from '../../ports/tasks.ts';
import { defaultLimits } from '../../protocol/limits.ts';
import { createTestWorld, type TestWorld } from '../../testing/world.ts';
import { createEngine } from '../create-engine.ts';
import { createHandle } from '../create-handle.ts';
import type { HandleParts } from '../open-handle.ts';
import type { Runtime } from '../runtime.ts';

const channel = 'board';

/** A place with people in it. */
export interface Place {
  readonly world: TestWorld;
  /** Opens a tab of the device of this name, with the events that its release defines. */
  tab<const Events extends EventDefinitions>(
    device: string,
    events: Events,
    options?: Pick<HandleParts<Events>, 'logger' | 'report' | 'signal' | 'telemetry'> & {
      readonly storeOf?: (store: DeviceStore) => DeviceStore;
      readonly linkOf?: (link: Link) => Link;
      readonly tabsOf?: (tabs: Tabs) => Tabs;
    },
  ): Promise<Runtime<Events>>;
  /** Appends at the relay what somebody else's software made. */
  stranger(event: Partial<CloudEvent> & { readonly type: string }): Promise<void>;
  /** What the relay holds, in its order. */
  stored(): Promise<readonly CloudEvent[]>;
}

const createDevice = () => ({ database: createMemoryDatabase(), tabs: createMemoryDevice() });

/** Makes a place that is closed when the test has ended. */
export function createPlace(): Place {
  const world = createTestWorld();
  const relay = createChannels({
    logs: createMemoryLogs(world),
    world,
    limits: defaultLimits,
    report: () => undefined,
  });
  const devices = new Map<string, ReturnType<typeof createDevice>>();
  const open: { close(): Promise<void> }[] = [];
  onTestFinished(async () => {
    await Promise.all(open.map((tab) => tab.close()));
    await relay.close();
  });
  return {
    world,
    async tab(
      name,
      events,
      {
        storeOf = (store: DeviceStore) => store,
        linkOf = (link: Link) => link,
        tabsOf = (tabs: Tabs) => tabs,
        ...hearers
      } = {},
    ) {
      const device = devices.get(name) ?? createDevice();
      devices.set(name, device);
      const engine = createEngine({
        store: storeOf(openMemoryStore(device.database, world)),
        storage: 'memory',
        tabs: tabsOf(device.tabs.tab()),
        link: linkOf(createMemoryLink(relay)),
        world,
        channels: [[channel, 'earliest']],
      });
      const handle = await createHandle({ engine, events, world, channels: [channel], ...hearers });
      open.push(handle);
      return handle;
    },
    async stranger(event) {
      await relay
        .channel(channel)
        .append([{ event: { specversion: '1.0', id: world.id(), source: '/stranger', ...event } }]);
    },
    async stored() {
      const { events } = await relay.channel(channel).page({ after: 'earliest', types: [], limit: 1000, waitMs: 0 });
      return events.map((json): CloudEvent => JSON.parse(json));
    },
  };
}
