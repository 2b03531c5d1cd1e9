import { worldOf } from '@godwit/core';
import { linkContract } from '@godwit/core/contracts';
import { commands } from 'vitest/browser';
import { createFetchLink } from '../src/link/link.ts';

linkContract('over HTTP, from a browser', async () => {
  const relay = await commands.openRelay();
  return {
    link: createFetchLink({ relay, fetch, world: worldOf(globalThis) }),
    subscribers: (channel) => commands.subscribers(relay, channel),
    stop: () => commands.killRelay(relay),
  };
});
