// A relay on Node for a test: in this process or as the real command, in a folder of its own.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startRelay, type RelayOptions } from '../src/node/index.ts';
import type { RelayStart, RelayUnderTest } from '../src/testing/index.ts';

/** A key long enough. */
export const secret: Uint8Array = new TextEncoder().encode('a key of this test, and of no other relay');

/** A folder that is gone after the test. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'godwit-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Starts a relay in this process, behind real HTTP. */
export async function start(options: RelayStart = {}, more: Partial<RelayOptions> = {}): Promise<RelayUnderTest> {
  const { secured = false, limits = {}, origins = [], tokens: { jwks, ...tokens } = {} } = options;
  const jwksUrl = jwks === undefined ? undefined : await serve(jwks);
  const key = (tokens.publicKey ?? jwksUrl) === undefined ? { secret } : { jwksUrl };
  const access = secured ? { ...key, ...tokens, cors: origins } : { insecure: true };
  const relay = await startRelay({ port: 0, data: await folder(), durability: 'os', limits, ...access, ...more });
  return { url: relay.url, fetch: (input, init) => fetch(input, init), secret, drain: relay.close, close: relay.close };
}

/** Serves answers at a port of their own until the test is over. */
async function serve(answer: () => Response): Promise<string> {
  const server = createServer((_, outgoing) => {
    const { status, body } = answer();
    outgoing.writeHead(status);
    void new Response(body).text().then((text) => outgoing.end(text));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : ''}/jwks`;
}
