// With faults off, each simulated port is what it stands in for.
import { createChannels } from '../../feed/channels.ts';
import { createMemoryLink } from '../../memory/link.ts';
import { createMemoryLogs } from '../../memory/log.ts';
import { createMemoryDatabase, openMemoryStore, type MemoryDatabase } from '../../memory/store.ts';
import { defaultLimits } from '../../protocol/limits.ts';
import { worldOf } from '../../timing/platform.ts';
import { linkContract } from '../link-contract.ts';
import { logContract } from '../log-contract.ts';
import { storeContract, type StoreDevice } from '../store-contract.ts';
import { tabsContract } from '../tabs-contract.ts';
import { taskStoreContract } from '../task-store-contract.ts';
import { worldContract } from '../world-contract.ts';
import { createTestWorld } from '../world.ts';
import { createDice } from './dice.ts';
import { noFaults } from './faults.ts';
import { createLife } from './life.ts';
import { createSimLink } from './link.ts';
import { createSimLogs } from './logs.ts';
import { createSimStore, type CallParts } from './store.ts';
import { createSimTabs } from './tabs.ts';
import { createSimWorld } from './world.ts';

function calm(): CallParts {
  const base = createTestWorld();
  return { base, life: createLife(() => 0), faults: noFaults(), dice: createDice(base.random) };
}

storeContract('of a simulated tab', device);
taskStoreContract('of a simulated tab', device);

function device(): StoreDevice {
  const world = createTestWorld();
  const databases = new Map<string, MemoryDatabase>();
  const databaseOf = (user = 'nobody'): MemoryDatabase => {
    const database = databases.get(user) ?? createMemoryDatabase();
    databases.set(user, database);
    return database;
  };
  return {
    open: async (user) => createSimStore(openMemoryStore(databaseOf(user), world), calm()),
    async moveReadBack(channel, offset) {
      const cursors = databaseOf().contents.cursors.get(channel);
      if (cursors === undefined) throw new Error(`"${channel}" has no cursors`);
      cursors.read = offset;
    },
    rejected: async () => [...databaseOf().contents.rejected.keys()],
    dispose: async () => databases.clear(),
  };
}

tabsContract('of a simulated device', () => {
  const [device, others] = [createSimTabs(calm()), createSimTabs(calm())];
  return {
    tab: () => device.tab(createLife(() => 0)),
    stranger: () => others.tab(createLife(() => 0)),
    settle: () => createTestWorld().settle(),
    dispose: () => undefined,
  };
});

linkContract('to a simulated relay', () => {
  // oxlint-disable-next-line no-restricted-globals -- the platform that the test runs on
  const world = worldOf(globalThis);
  const channels = createChannels({
    logs: createSimLogs(createMemoryLogs(world), calm()),
    world,
    limits: defaultLimits,
    report: () => undefined,
  });
  const up = { link: createMemoryLink(channels), signal: new AbortController().signal };
  return {
    link: createSimLink({ up, isForbidden: () => false }, calm()),
    subscribers: async (channel) => (await channels.channel(channel).stat()).subscribers,
    stop: () => channels.close(),
  };
});

logContract('of a simulated relay', async () => {
  const logs = createSimLogs(createMemoryLogs(createTestWorld()), calm());
  return { logs, close: () => logs.close() };
});

worldContract('of a simulated tab', () => {
  const base = createTestWorld();
  return {
    world: createSimWorld({ base, life: createLife(() => 0), seed: 1 }),
    pass: (ms) => base.advance(ms),
  };
});
