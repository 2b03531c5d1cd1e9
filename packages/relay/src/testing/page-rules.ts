// PROTOCOL.md, rule 4: reading pages.
import { expect, test } from 'vitest';
import { createRelayWorld, endsSoon, eventOf, eventType, ids, type RelayStart, type RelayUnderTest } from './world.ts';

/** Rule 4. */
export function pageRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('4.1 pages follow on from one another and leave nothing out', async () => {
    const { publish, get, path, relay } = await create();
    const results = await publish(...ids(1, 25).map((id) => eventOf(id)));
    const read: unknown[] = [];
    let next = `${path}?after=earliest&limit=10`;
    for (const upToDate of ['false', 'false', 'true']) {
      const response = await get(next);
      expect(response.headers.get('godwit-up-to-date')).toBe(upToDate);
      const [, link = ''] = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '') ?? [];
      next = link.replace(relay.url, '');
      expect(next).toContain(`after=${response.headers.get('godwit-next-offset')}`);
      read.push(...((await idsOf(response)) as unknown[]));
    }
    expect(read).toEqual(ids(1, 25));
    const end = await get(next);
    expect([await idsOf(end), end.headers.get('godwit-next-offset')]).toEqual([[], results.at(-1)?.offset]);
    expect(await idsOf(await get(path))).toEqual([]);
  });

  test('4.2 a page holds at most its limit, which is 1 to 1,000', async () => {
    const { publish, get, path } = await create();
    await publish(...ids(1, 30).map((id) => eventOf(id)));
    expect(await idsOf(await get(`${path}?after=earliest&limit=7`))).toEqual(ids(1, 7));
    for (const bad of [
      'limit=0',
      'limit=1001',
      'limit=-1',
      'limit=1.5',
      'limit=x',
      'limit=1e2',
      'wait=31',
      'wait=-1',
      'wait=soon',
    ]) {
      const response = await get(`${path}?${bad}`);
      expect([bad, response.status, ((await response.json()) as { name: string }).name]).toEqual([
        bad,
        400,
        'InvalidRequest',
      ]);
    }
  });

  test('4.3 a gap is told in the headers', async () => {
    const { publish, get, path } = await create();
    await publish(eventOf('1'));
    const response = await get(`${path}?after=another.0000000000000007`);
    expect(response.headers.get('godwit-gap')).toBe('epoch');
    expect(response.headers.get('godwit-missed')).toBeNull();
    expect(response.headers.get('etag')).toBeNull();
    expect(await idsOf(response)).toEqual(['1']);
  });

  test('4.3 of what was trimmed it tells the number, which is exact, and counts it', async () => {
    const { publish, get, path, stat, relay } = await create({ limits: { retentionEvents: 16 } });
    const [first] = await publish(eventOf('0'));
    const data = 'x'.repeat(1000);
    for (const id of ids(1, 60)) await publish(eventOf(id, { data }));
    // Looked at with HEAD, which counts nothing (5.1).
    const headers = async (): Promise<Headers> =>
      (await relay.fetch(`${relay.url}${path}?after=${first?.offset}&limit=3`, { method: 'HEAD' })).headers;
    await expect.poll(async () => (await headers()).get('godwit-gap')).toBe('retention');
    expect((await stat())['dropped']).toEqual({});
    const response = await get(`${path}?after=${first?.offset}&limit=3`);
    const missed = Number(response.headers.get('godwit-missed'));
    expect(missed).toBeGreaterThan(0);
    expect(await idsOf(response)).toEqual(ids(missed + 1, missed + 3));
    expect(response.headers.get('godwit-up-to-date')).toBe('false');
    // Neither is it kept: the gap is this reader's.
    expect([response.headers.get('etag'), response.headers.get('cache-control')]).toEqual([null, 'no-store']);
    expect(await stat()).toMatchObject({ delivered: 3, dropped: { retention: missed } });
  });

  test('4.4 a page that would be empty may wait for news', async () => {
    const { publish, get, path } = await create();
    const [first] = await publish(eventOf('1'));
    const poll = get(`${path}?after=${first?.offset}&wait=20&type=order.*`);
    await publish(eventOf('2'));
    await publish(eventOf('3', { type: 'order.placed' }));
    expect(await idsOf(await poll)).toEqual(['3']);
    const empty = await get(`${path}?wait=0.1`);
    expect([await idsOf(empty), empty.headers.get('godwit-up-to-date')]).toEqual([[], 'true']);
    // As a client's arithmetic writes it.
    expect((await get(`${path}?wait=${0.1 + 0.2}`)).status).toBe(200);
  });

  test('4.4 it waits no longer than its token is valid, and then delivers nothing', async () => {
    const { post, get, path, token, relay, channel } = await create({ secured: true });
    const exp = endsSoon();
    const as = async (claims: object) => ({ authorization: `Bearer ${await token(claims)}` });
    const all = await as({ publish: ['*'], subscribe: ['*'] });
    const poll = await get(`${path}?wait=30`, await as({ subscribe: [channel], exp }));
    expect([poll.status, poll.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await poll.json()).toMatchObject({ name: 'Unauthenticated' });
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    expect((await post(eventType, eventOf('1'), all)).status).toBe(200);
    const stat = await relay.fetch(`${relay.url}/v1/channels/${channel}`, { headers: all });
    expect(await stat.json()).toMatchObject({ delivered: 0, filtered: 0, subscribers: 0 });
  });

  test('4.5 a page of the past is cacheable, and not sent twice', async () => {
    const { publish, get, path } = await create();
    const [first] = await publish(...ids(1, 5).map((id) => eventOf(id)));
    const past = `${path}?after=${first?.offset}&limit=2`;
    const response = await get(past);
    const etag = response.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[^"]+"$/);
    expect(response.headers.get('cache-control')).toMatch(/^private, max-age=\d+/);
    // What one token was shown is not to be had from a cache by another.
    expect(response.headers.get('vary')).toMatch(/^Accept, Authorization, Cookie/);
    await response.text();
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(past, { 'if-none-match': tags });
      expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, '']);
    }
    expect((await get(past, { 'if-none-match': '"other"' })).status).toBe(200);
    const present = await get(`${path}?after=${first?.offset}`);
    expect([present.headers.get('etag'), present.headers.get('cache-control')]).toEqual([null, 'no-store']);
  });

  test('4.6 Accept chooses between a stream and two names for a page', async () => {
    const { publish, relay, path } = await create();
    await publish(eventOf('1'));
    const typeFor = async (accept: string | undefined): Promise<unknown> => {
      const response = await relay.fetch(`${relay.url}${path}`, accept === undefined ? {} : { headers: { accept } });
      await response.body?.cancel();
      return response.status === 200 ? response.headers.get('content-type')?.split(';')[0] : response.status;
    };
    const [json, batch, stream] = ['application/json', 'application/cloudevents-batch+json', 'text/event-stream'];
    expect(await typeFor(undefined)).toBe(json);
    expect(await typeFor('*/*')).toBe(json);
    expect(await typeFor(batch)).toBe(batch);
    expect(await typeFor('application/*')).toBe(json);
    expect(await typeFor('text/html, text/event-stream;q=0.9, */*;q=0.1')).toBe(stream);
    expect(await typeFor('text/event-stream;q=0, */*')).toBe(json);
    expect(await typeFor('TEXT/EVENT-STREAM')).toBe(stream);
    expect(await typeFor('text/html')).toBe(406);
    expect(await typeFor('application/xml, image/*')).toBe(406);
  });
}

async function idsOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { id: string }[]).map(({ id }) => id);
}
