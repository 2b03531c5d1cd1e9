// PROTOCOL.md, rule 9: who may do what.
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import {
  createRelayWorld,
  endsSoon,
  eventOf,
  eventType,
  type Claims,
  type RelayStart,
  type RelayUnderTest,
} from './world.ts';

const origin = 'https://app.example';

/** Rule 9. */
export function authorityRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = async () => {
    const world = await createRelayWorld(start, { secured: true, origins: [origin] });
    const as = async (claims: Claims): Promise<Record<string, string>> => ({
      authorization: `Bearer ${await world.token(claims)}`,
    });
    return { ...world, as };
  };

  test('9.1 without a good token nothing is done', async () => {
    const { get, post, path, relay, channel, as, token, refused } = await create();
    const past = Math.floor(Date.now() / 1000) - 60;
    const byOther = new SignJWT({ subscribe: ['*'] })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new Uint8Array(32).fill(7));
    const unsigned = `${btoa('{"alg":"none"}').replaceAll('=', '')}.${btoa('{"subscribe":["*"],"publish":["*"]}').replaceAll('=', '')}.`;
    const bad: Record<string, string>[] = [
      {},
      { authorization: 'Bearer' },
      { authorization: 'Bearer x.y.z' },
      { authorization: `Basic ${await token({ subscribe: ['*'] })}` },
      { authorization: `Bearer ${unsigned}` },
      { authorization: `Bearer ${await byOther}` },
      await as({ subscribe: ['*'], publish: ['*'], exp: past }),
      await as({ subscribe: '*', publish: '*' }),
      await as({ subscribe: [7], publish: [7] }),
    ];
    for (const headers of bad) {
      for (const response of [
        await get(path, headers),
        await get(path, { ...headers, accept: 'text/event-stream' }),
        await get('/v1/events?channel=a', headers),
        await post(eventType, eventOf('1'), headers),
        ...(await Promise.all(
          [
            '/v1/stats',
            '/metrics',
            '/v1/backup',
            `/v1/channels/${channel}/presence`,
            `/v1/channels/${channel}/webhooks`,
          ].map((where) => relay.fetch(relay.url + where, { headers })),
        )),
        await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE', headers }),
        await refused('', headers),
      ]) {
        expect([response.status, response.headers.get('www-authenticate')]).toEqual([
          401,
          expect.stringContaining('Bearer'),
        ]);
        expect(await nameOf(response)).toBe('Unauthenticated');
      }
    }
  });

  test('9.2 a token allows what its patterns match, and nothing else', async () => {
    const { post, as } = await create();
    const headers = await as({ publish: ['room:*', 'a*b*c', 'exact'] });
    const to = async (channel: string): Promise<number> =>
      (await post(eventType, eventOf(crypto.randomUUID()), headers, `/v1/channels/${channel}/events`)).status;
    for (const channel of ['room:', 'room:1', 'room:1:2', 'abc', 'a-b-c', 'abbcc', 'exact']) {
      expect([channel, await to(channel)]).toEqual([channel, 200]);
    }
    for (const channel of ['room', 'xroom:1', 'ac', 'abcd', 'exactly', 'EXACT']) {
      expect([channel, await to(channel)]).toEqual([channel, 403]);
    }
  });

  test('9.3 replay, pages and numbers need the same right as live', async () => {
    const { get, path, channel, as, refused } = await create();
    const [reader, writer] = [await as({ subscribe: [channel] }), await as({ publish: ['*'], manage: ['*'] })];
    const stream = { accept: 'text/event-stream' };
    for (const [where, more] of [
      [path, {}],
      [`${path}?after=earliest`, stream],
      [path, stream],
      [`/v1/channels/${channel}`, {}],
    ] as const) {
      const allowed = await get(where, { ...more, ...reader });
      expect(allowed.status).toBe(200);
      await allowed.body?.cancel();
      const response = await get(where, { ...more, ...writer });
      expect([response.status, await nameOf(response)]).toEqual([403, 'Forbidden']);
    }
    const waiting = await get(`${path}?wait=20`, writer);
    expect([waiting.status, await nameOf(waiting)]).toEqual([403, 'Forbidden']);
    expect((await refused('?after=earliest', writer)).status).toBe(403);
    // What tells of all channels needs the right to all.
    for (const where of ['/v1/stats', '/metrics']) {
      expect([where, (await get(where, reader)).status, (await get(where, writer)).status]).toEqual([where, 403, 403]);
      expect((await get(where, await as({ subscribe: ['*'] }))).status).toBe(200);
    }
    for (const claims of [{ manage: [channel] }, { subscribe: ['*'], publish: ['*'] }]) {
      expect((await get('/v1/backup', await as(claims))).status).toBe(403);
    }
  });

  test('9.4 a stream ends when its token does, and a reader that comes back with a new one misses nothing', async () => {
    const { open, post, channel, as } = await create();
    const writer = await as({ publish: ['*'] });
    const publish = async (id: string): Promise<number> => (await post(eventType, eventOf(id), writer)).status;
    const exp = endsSoon();
    const headers = await as({ subscribe: ['*'], exp });
    const [one, many] = [await open('', headers), await open(`?channel=${channel}`, headers, '/v1/events')];
    await many.control('connected');
    await publish('1');
    const [before] = await one.events(1);
    await many.events(1);
    for (const stream of [one, many]) {
      expect(await stream.next()).toMatchObject({ event: 'drain', data: { retryAfterMs: expect.any(Number) } });
      expect(await stream.next()).toBeUndefined();
    }
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    await publish('2');
    await expect(open(`?after=${before?.id}`, headers)).rejects.toThrow('401');
    const renewed = await as({ subscribe: ['*'], exp: exp + 3600 });
    const again = [
      await open(`?after=${before?.id}`, renewed),
      await open(`?channel=${channel}@${before?.id}`, renewed, '/v1/events'),
    ];
    await publish('3');
    for (const stream of again) expect(await stream.ids(2)).toEqual(['2', '3']);
  });

  test('9.5 removing needs its own right', async () => {
    const { post, relay, channel, as } = await create();
    await post(eventType, eventOf('1'), await as({ publish: ['*'] }));
    const remove = async (headers: Record<string, string>): Promise<number> =>
      (await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE', headers })).status;
    expect(await remove(await as({ publish: ['*'], subscribe: ['*'], manage: ['other'] }))).toBe(403);
    expect(await remove(await as({ manage: [channel] }))).toBe(204);
  });

  test('9.6 a cookie counts for pages of ours only', async () => {
    const { relay, path, token } = await create();
    const cookie = `other=1; godwit_token=${await token({ subscribe: ['*'], publish: ['*'] })}`;
    const read = async (headers: Record<string, string>): Promise<number> =>
      (await relay.fetch(relay.url + path, { headers: { cookie, ...headers } })).status;
    const write = async (headers: Record<string, string>): Promise<number> => {
      const init = {
        method: 'POST',
        headers: { cookie, 'content-type': eventType, ...headers },
        body: JSON.stringify(eventOf('1')),
      };
      return (await relay.fetch(relay.url + path, init)).status;
    };
    expect(await read({})).toBe(200);
    expect(await read({ origin })).toBe(200);
    expect(await read({ origin: relay.url })).toBe(200);
    expect(await read({ origin: 'https://evil.example' })).toBe(403);
    expect(await write({ origin })).toBe(200);
    expect(await write({})).toBe(403);
    expect(await write({ origin: 'null' })).toBe(403);
    // What a browser says beside: no page can write it.
    expect(await read({ 'sec-fetch-site': 'same-origin' })).toBe(200);
    for (const site of ['same-site', 'cross-site']) expect(await read({ 'sec-fetch-site': site })).toBe(403);
    const behindTls = relay.url.replace(/^https?/, (scheme) => (scheme === 'http' ? 'https' : 'http'));
    expect(await write({ origin: behindTls, 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await write({ origin: behindTls })).toBe(403);
    expect(await write({ origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' })).toBe(403);
  });

  test('9.7 pages of the origins it was told may use it', async () => {
    const { relay, path, as } = await create();
    const preflight = (from: string): Promise<Response> =>
      relay.fetch(relay.url + path, {
        method: 'OPTIONS',
        headers: {
          origin: from,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,ce-id',
        },
      });
    const allowed = await preflight(origin);
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
    expect(allowed.headers.get('access-control-allow-methods')).toContain('POST');
    expect(allowed.headers.get('access-control-allow-headers')).toBe('authorization,ce-id');
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    for (const response of [
      await relay.fetch(relay.url + path, { headers: { origin, ...(await as({ subscribe: ['*'] })) } }),
      await relay.fetch(relay.url + path, { headers: { origin } }),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
      expect(response.headers.get('access-control-expose-headers')).toContain('godwit-next-offset');
    }
  });
}

async function nameOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { name: string }).name;
}
