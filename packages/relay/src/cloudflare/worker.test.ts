// The Worker as a whole: what it answers with and without a key, and what its objects leave out.
import { env } from 'cloudflare:workers';
import { createExecutionContext } from 'cloudflare:test';
import { SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import type { RelayEnv } from './environment.ts';
import { createWorker, type WorkerOptions } from './worker.ts';

const secret = 'a secret of more than thirty-two bytes';
const page = 'https://relay.example/v1/channels/room/events';

test.for([
  [{}, 'this relay has no key, so it serves nobody'],
  [{ GODWIT_SECRET: '' }, 'this relay has no key, so it serves nobody'],
  [{ GODWIT_INSECURE: 'yes' }, 'this relay has no key, so it serves nobody'],
  [{ GODWIT_SECRET: 'short' }, 'GODWIT_SECRET has 5 bytes; HS256 needs 32 at least'],
  [{ GODWIT_SECRET: secret, GODWIT_INSECURE: 'true' }, 'GODWIT_INSECURE and GODWIT_SECRET exclude each other'],
  [{ GODWIT_PUBLIC_KEY: 'x', GODWIT_JWKS_URL: 'y' }, 'GODWIT_PUBLIC_KEY and GODWIT_JWKS_URL exclude each other'],
  [{ GODWIT_PUBLIC_KEY: 'x' }, 'neither PEM nor JSON'],
  [{ GODWIT_JWKS_URL: 'x' }, 'the JWKS URL is https://'],
  [{ GODWIT_INSECURE: 'true', GODWIT_ISSUER: 'x' }, 'means nothing where GODWIT_INSECURE wants none'],
  [{ GODWIT_INSECURE: 'true', GODWIT_LIMITS: { ringBytes: -1 } }, 'GODWIT_LIMITS has "ringBytes": -1'],
] as const)('a Worker set up with %o answers every request with what is wrong', async ([vars, sentence]) => {
  const operator = vi.spyOn(console, 'error').mockReturnValue();
  for (const path of ['/healthz', '/v1/channels/room/events']) {
    const response = await ask(vars, get(new URL(path, page)));
    expect(response.status).toBe(500);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ name: 'InvalidOptions', detail: expect.stringContaining(sentence) });
  }
  expect(operator).toHaveBeenCalledTimes(2);
  operator.mockRestore();
});

test('a Worker with a secret admits whom its tokens admit', async () => {
  const token = await new SignJWT({ subscribe: ['room'] })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
  const headers = { authorization: `Bearer ${token}` };
  expect((await ask({ GODWIT_SECRET: secret }, get(page))).status).toBe(401);
  expect((await ask({ GODWIT_SECRET: secret }, get(page, { headers }))).status).toBe(200);
  expect((await ask({ GODWIT_SECRET: secret }, get(page, { method: 'POST', headers }))).status).toBe(403);
});

test('a Worker with a hook of its own asks that, and wants no key', async () => {
  const options = { authorize: (request: Request) => request.headers.get('x-user') === 'alice' };
  expect((await ask({}, get(page, { headers: { 'x-user': 'alice' } }), options)).status).toBe(200);
  expect((await ask({}, get(page), options)).status).toBe(403);
});

test('pages of the named origins may use it', async () => {
  const headers = { origin: 'https://app.example' };
  const vars = { GODWIT_INSECURE: 'true', GODWIT_CORS: 'https://app.example' };
  const allowed = async (more: object): Promise<string | null> =>
    (await ask({ ...vars, ...more }, get(page, { headers }))).headers.get('access-control-allow-origin');
  expect(await allowed({})).toBe('https://app.example');
  expect(await allowed({ GODWIT_CORS: '*' })).toBe('*');
  expect(await allowed({ GODWIT_CORS: 'https://other.example' })).toBeNull();
});

/** A request as the platform hands it over. */
function get(url: string | URL, init: RequestInit<IncomingRequestCfProperties> = {}) {
  return new Request<unknown, IncomingRequestCfProperties>(url, init);
}

async function ask(
  vars: Omit<RelayEnv, 'CHANNELS'>,
  request: ReturnType<typeof get>,
  options?: WorkerOptions,
): Promise<Response> {
  const { fetch } = createWorker(options);
  return await fetch(request, { CHANNELS: env.CHANNELS, ...vars }, createExecutionContext());
}
