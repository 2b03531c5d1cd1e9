import { worldOf } from '@godwit/core';
import { linkContract } from '@godwit/core/contracts';
import { createFetchLink } from '../src/link/link.ts';
import { startTestRelay, subscribersOf } from './relay.ts';

linkContract('over HTTP to a relay on Node', async () => {
  const relay = await startTestRelay();
  return {
    link: createFetchLink({ relay: relay.url, fetch, world: worldOf(globalThis) }),
    subscribers: (channel) => subscribersOf(relay.url, channel),
    stop: () => relay.kill(),
  };
});
