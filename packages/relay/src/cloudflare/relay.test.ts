// The protocol's contract over the Worker and its objects, in workerd.
import { SELF } from 'cloudflare:test';
import { onTestFinished, vi } from 'vitest';
import { relayContract } from '../testing/relay-contract.ts';
import type { RelayUnderTest, TokenStart } from '../testing/world.ts';
import type { RelayEnv } from './environment.ts';
import { setupHeader } from './testing/worker.ts';

const secret = 'the secret of the relay under test, in workerd';
/** A reader that leaves is noticed at a heartbeat: https://github.com/cloudflare/workerd/pull/7298. */
const heartbeatMs = 150;

relayContract('on Workers', async ({ secured = false, limits = {}, origins = [], tokens = {} } = {}) => {
  const who = secured ? varsOf(tokens) : { GODWIT_INSECURE: 'true' };
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
    async connect(input, headers) {
      const asked = { ...headers, upgrade: 'websocket', [setupHeader]: JSON.stringify(vars) };
      const response = await SELF.fetch(input, { headers: asked });
      const socket = response.webSocket;
      if (socket === null) return { response };
      socket.accept();
      return {
        socket: {
          protocol: response.headers.get('sec-websocket-protocol') ?? '',
          send: (data) => socket.send(data),
          close: (code) => socket.close(code ?? 1000),
          listen({ message, end }) {
            socket.addEventListener('message', ({ data }) => message(String(data)));
            socket.addEventListener('close', ({ code, reason }) => {
              end({ code, reason });
              socket.close(code === 1005 ? 1000 : code);
            });
          },
        },
      };
    },
    secret: new TextEncoder().encode(secret),
    statsAreTold: true,
    receive,
    close: async () => {},
  };
});

/** A receiver of webhooks: the Worker under test runs where the tests do, so its way out is theirs. */
async function receive(answer: Parameters<RelayUnderTest['receive']>[0]): Promise<string> {
  const url = `https://receiver.example/${crypto.randomUUID()}`;
  receivers.set(url, answer);
  onTestFinished(() => void receivers.delete(url));
  if (!vi.isMockFunction(globalThis.fetch)) {
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => answerOf(new Request(input, init)));
  }
  return url;
}

const receivers = new Map<string, Parameters<RelayUnderTest['receive']>[0]>();

async function answerOf(request: Request): Promise<Response> {
  const answer = receivers.get(request.url);
  const its = answer?.({ headers: Object.fromEntries(request.headers), body: await request.text() });
  if (its === undefined) throw new TypeError('the connection broke off');
  return new Response(null, its);
}

function varsOf({ publicKey, jwks, issuer = [], audience = [], tokenInQuery = false }: TokenStart) {
  const rules = {
    GODWIT_ISSUER: issuer.join(),
    GODWIT_AUDIENCE: audience.join(),
    GODWIT_TOKEN_IN_QUERY: String(tokenInQuery),
  };
  if (publicKey !== undefined) return { ...rules, GODWIT_PUBLIC_KEY: publicKey };
  if (jwks === undefined) return { ...rules, GODWIT_SECRET: secret };
  // The Worker under test runs where the tests do, so its way out is theirs.
  const url = `https://issuer.example/${crypto.randomUUID()}`;
  const out = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => jwks());
  onTestFinished(() => out.mockRestore());
  return { ...rules, GODWIT_JWKS_URL: url };
}
