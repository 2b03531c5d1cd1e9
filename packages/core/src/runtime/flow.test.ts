import { expect, test } from 'vitest';
import { createChannels } from '../feed/channels.ts';
import { createMemoryLink } from '../memory/link.ts';
import { createMemoryLogs } from '../memory/log.ts';
import { createMemoryDatabase, openMemoryStore, type MemoryDatabase } from '../memory/store.ts';
import { createMemoryDevice, type MemoryDevice } from '../memory/tabs.ts';
import type { Tabs } from '../ports/tabs.ts';
import { defaultLimits } from '../protocol/limits.ts';
import { flowContract, type FlowUnderTest } from '../testing/flow-contract.ts';
import { flowEvents } from '../testing/flow/events.ts';
import { gather, untilStatus } from '../testing/waiting.ts';
import { worldOf } from '../timing/platform.ts';
import { createEngine } from './create-engine.ts';
import { createHandle } from './create-handle.ts';

// oxlint-disable-next-line no-restricted-globals -- the platform that the test runs on
const world = worldOf(globalThis);

/** Devices and a relay in this thread. `tabsOf` may make the tabs' connection to each other worse. */
async function inOneThread(tabsOf: (tabs: Tabs) => Tabs): Promise<FlowUnderTest> {
  const relay = createChannels({
    logs: createMemoryLogs(world),
    world,
    limits: defaultLimits,
    report: () => undefined,
  });
  const devices = new Map<string, { readonly database: MemoryDatabase; readonly tabs: MemoryDevice }>();
  return {
    tab(name, channels = ['board']) {
      const device = devices.get(name) ?? { database: createMemoryDatabase(), tabs: createMemoryDevice() };
      devices.set(name, device);
      const engine = createEngine({
        store: openMemoryStore(device.database, world),
        storage: 'memory',
        tabs: tabsOf(device.tabs.tab()),
        link: createMemoryLink(relay),
        world,
        channels: channels.map((channel) => [channel, 'earliest']),
      });
      return createHandle({ engine, events: flowEvents, world, channels, report: () => undefined });
    },
    close: () => relay.close(),
  };
}

flowContract('in one thread', () => inOneThread((tabs) => tabs));

flowContract('in one thread, where the platform has no locks and every tab talks to the relay', () =>
  inOneThread((tabs) => ({ ...tabs, exclusive: false, lead: (callback, held) => callback(held) })),
);

test('without a relay events go from tab to tab, and nothing waits for one', async () => {
  const [database, device] = [createMemoryDatabase(), createMemoryDevice()];
  const open = () => {
    const engine = createEngine({
      store: openMemoryStore(database, world),
      storage: 'memory',
      tabs: device.tab(),
      link: undefined,
      world,
      channels: [['board', 'earliest']],
    });
    return createHandle({
      engine,
      events: flowEvents,
      world,
      channels: ['board'],
      report: () => undefined,
    });
  };
  const [one, other] = [await open(), await open()];
  const titles = gather<string>();
  other.on('todo.added', ({ data }) => titles.add(data.title));
  await one.publish('todo.added', { title: 'fly' });
  expect(await titles.until(1)).toEqual(['fly']);
  expect(one.status.get()).toMatchObject({ role: 'solo', connection: 'none', pending: 0 });
  await Promise.all([one.close(), other.close()]);
});

test('an event that is recorded while the leader is still looking at its disk is sent', async () => {
  const relay = createChannels({
    logs: createMemoryLogs(world),
    world,
    limits: defaultLimits,
    report: () => undefined,
  });
  const store = openMemoryStore(createMemoryDatabase(), world);
  let looks = 0;
  const looking = Promise.withResolvers<void>();
  const looked = Promise.withResolvers<void>();
  const engine = createEngine({
    store: {
      ...store,
      async state() {
        const state = await store.state();
        looks += 1;
        // The first look is the engine's own, the second the leader's: it sees an empty outbox, and is slow to say so.
        if (looks === 2) {
          looking.resolve();
          await looked.promise;
        }
        return state;
      },
    },
    storage: 'memory',
    tabs: createMemoryDevice().tab(),
    link: createMemoryLink(relay),
    world,
    channels: [['board', 'earliest']],
  });
  const alice = await createHandle({ engine, events: flowEvents, world, channels: ['board'], report: () => undefined });
  await looking.promise;
  await alice.publish('todo.added', { title: 'fly' });
  looked.resolve();
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  expect((await relay.channel('board').stat()).published).toBe(1);
  await alice.close();
  await relay.close();
});
