import { createChannels } from '../feed/channels.ts';
import { defaultLimits } from '../protocol/limits.ts';
import { linkContract } from '../testing/link-contract.ts';
import { worldOf } from '../timing/platform.ts';
import { createMemoryLink } from './link.ts';
import { createMemoryLogs } from './log.ts';

linkContract('in memory', () => {
  // oxlint-disable-next-line no-restricted-globals -- the platform that the test runs on
  const world = worldOf(globalThis);
  const logs = createMemoryLogs(world);
  const channels = createChannels({ logs, world, limits: defaultLimits, report: () => undefined });
  return {
    link: createMemoryLink(channels),
    subscribers: async (channel) => (await channels.channel(channel).stat()).subscribers,
    stop: () => channels.close(),
  };
});
