// The protocol's contract over the Worker and its objects, in workerd.
import { SELF } from 'cloudflare:test';
import { relayContract } from '../testing/relay-contract.ts';
import type { RelayEnv } from './environment.ts';
import { setupHeader } from './testing/worker.ts';

const secret = 'the secret of the relay under test, in workerd';
/** A reader that leaves is noticed at a heartbeat: https://github.com/cloudflare/workerd/pull/7298. */
const heartbeatMs = 150;

relayContract('on Workers', async ({ secured = false, limits = {}, origins = [] } = {}) => {
  const who = secured ? { GODWIT_SECRET: secret } : { GODWIT_INSECURE: 'true' };
  const vars: Omit<RelayEnv, 'CHANNELS'> = {
    ...who,
    GODWIT_LIMITS: { heartbeatMs, ...limits },
    GODWIT_CORS: origins.join(),
  };
  return {
    url: 'https://relay.example',
    fetch(input, init = {}) {
      const headers = new Headers(init.headers);
      headers.set(setupHeader, JSON.stringify(vars));
      return SELF.fetch(input, { ...init, headers });
    },
    secret: new TextEncoder().encode(secret),
    hasStats: false,
    close: async () => {},
  };
});
