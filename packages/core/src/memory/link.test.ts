import { ambientWorld } from '../dispatcher/ambient.ts';
import { createChannels } from '../feed/channels.ts';
import { defaultLimits } from '../protocol/limits.ts';
import { linkContract } from '../testing/link-contract.ts';
import { createMemoryLink } from './link.ts';
import { createMemoryLogs } from './log.ts';

linkContract('in memory', () => {
  const world = ambientWorld;
  const logs = createMemoryLogs(world);
  const channels = createChannels({ logs, world, limits: defaultLimits, report: () => undefined });
  return {
    link: createMemoryLink(channels),
    subscribers: async (channel) => (await channels.channel(channel).stat()).subscribers,
    stop: () => channels.close(),
  };
});
