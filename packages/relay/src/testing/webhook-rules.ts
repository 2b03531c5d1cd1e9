// PROTOCOL.md, rule 7: webhooks, received by somebody who checks what Standard Webhooks says.
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import {
  createRelayWorld,
  eventOf,
  eventType,
  ids,
  type Delivered,
  type ReceiverAnswer,
  type RelayStart,
  type RelayUnderTest,
  type RelayWorld,
} from './world.ts';

/** A delivery, and the event in it. */
interface Received extends Delivered {
  readonly event: { readonly id: string; readonly channel: string; readonly sequence: string };
}

/** Rule 7. What takes days is tested in a world whose time moves, and what outlives the process beside each platform. */
export function webhookRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = async (options: RelayStart = {}) => {
    const world = await createRelayWorld(start, { webhooksGoAnywhere: true, ...options });
    return { ...world, ...webhooksOf(world) };
  };

  test('7.1 a webhook is registered, listed, looked at and removed; its secret is told once', async () => {
    const { call, receive, publish, numbers, channel } = await create();
    const { url, idsOf } = await receive();
    const made = await call('POST', '', { url, types: ['todo.*'] });
    expect(made.status).toBe(201);
    const { id, secret } = made.answer as { id: string; secret: string };
    expect(made.headers.get('location')).toBe(`/v1/channels/${channel}/webhooks/${id}`);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{40,}=*$/);
    const view = {
      id,
      channel,
      url,
      types: ['todo.*'],
      state: 'active',
      createdAt: expect.stringMatching(/^\d{4}-/),
      delivered: 0,
      failed: 0,
      waiting: 0,
      dead: 0,
      dropped: {},
    };
    expect(made.answer).toEqual({ ...view, secret });
    expect((await call('GET')).answer).toEqual({ webhooks: [view] });
    await publish(eventOf('1'), eventOf('2', { type: 'order.placed' }), eventOf('3'));
    await expect.poll(idsOf).toEqual(['1', '3']);
    await expect.poll(() => numbers(id)).toMatchObject({ delivered: 2 });
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
    expect((await call('GET')).answer).toEqual({ webhooks: [] });
    for (const [method, path] of [
      ['GET', `/${id}`],
      ['DELETE', `/${id}`],
      ['POST', `/${id}/rotate`],
      ['GET', `/${id}/dead`],
    ] as const) {
      expect(await call(method, path)).toMatchObject({ status: 404, answer: { name: 'NotFound' } });
    }
    await publish(eventOf('4'));
    expect(idsOf()).toEqual(['1', '3']);
  });

  test('7.2 only who may manage a channel has to do with its webhooks', async () => {
    const world = await create({ secured: true });
    const { url } = await world.receive();
    const as = async (claims: object): Promise<Record<string, string>> => ({
      authorization: `Bearer ${await world.token(claims)}`,
    });
    for (const [claims, status] of [
      [{ publish: ['*'], subscribe: ['*'] }, 403],
      [{ manage: ['other'] }, 403],
      [{ manage: ['test:*'] }, 201],
    ] as const) {
      expect((await world.call('POST', '', { url }, await as(claims))).status).toBe(status);
    }
    expect((await world.call('GET')).status).toBe(401);
  });

  test('7.3 every event is signed by Standard Webhooks, comes once acknowledged once, and says where it stands', async () => {
    const { register, receive, publish, numbers, channel } = await create();
    const { url, all, idsOf } = await receive();
    await publish(eventOf('0'));
    const { id, secret } = await register(url, { after: 'earliest' });
    await publish(...ids(1, 30).map((one) => eventOf(one)));
    await expect.poll(() => numbers(id)).toMatchObject({ delivered: 31, failed: 0, waiting: 0 });
    expect(
      idsOf()
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual([0, ...ids(1, 30).map(Number)]);
    for (const { headers, body, event } of all) {
      const checked = new Webhook(secret).verify(body, headers);
      expect(checked).toMatchObject({ id: event.id, channel, sequence: expect.stringMatching(/^\d{16}$/) });
      expect(headers['content-type']).toBe('application/cloudevents+json');
    }
    expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(31);
    expect(() =>
      new Webhook('whsec_bm90IHRoaXMgb25lLCBidXQgYW5vdGhlcg==').verify(all[0]?.body ?? '', { ...all[0]?.headers }),
    ).toThrow();
  });

  test('7.3 a receiver that two channels send to knows their events apart', async () => {
    const { relay, register, receive, publish, post, channel } = await create();
    const { url, all } = await receive();
    await register(url);
    const [dotted, underlined] = [`${channel}.2`, `${channel}_2`];
    for (const other of [dotted, underlined]) {
      const made = await relay.fetch(`${relay.url}/v1/channels/${other}/webhooks`, {
        method: 'POST',
        body: JSON.stringify({ url }),
      });
      expect(made.status).toBe(201);
      await post(eventType, eventOf('1'), {}, `/v1/channels/${other}/events`);
    }
    await publish(eventOf('1'));
    await expect.poll(() => all.map(({ event }) => event.channel).sort()).toEqual([channel, dotted, underlined].sort());
    const seen = all.map(({ headers }) => headers['webhook-id'] ?? '');
    expect(new Set(seen).size).toBe(3);
    // Where a dot would end it, in what is signed.
    for (const id of seen) expect(id).toMatch(/^[^.\s]+$/);
  });

  test('7.4 while a secret is rotated, both sign', async () => {
    const { register, receive, publish, call, numbers } = await create();
    const { url, all } = await receive();
    const own = `whsec_${btoa('a secret of alice and the relay')}`;
    const { id, secret } = await register(url, { secret: own });
    expect(secret).toBe(own);
    const rotated = await call('POST', `/${id}/rotate`);
    expect(rotated.answer).toMatchObject({ id, previousSecretUntil: expect.stringMatching(/^\d{4}-/) });
    expect(rotated.answer['secret']).not.toBe(own);
    expect(await numbers(id)).not.toHaveProperty('secret');
    await publish(eventOf('1'));
    await expect.poll(() => all.length).toBe(1);
    for (const its of [own, String(rotated.answer['secret'])]) {
      expect(() => new Webhook(its).verify(all[0]?.body ?? '', { ...all[0]?.headers })).not.toThrow();
    }
  });

  test('7.5 what is answered 2xx is delivered; anything else, also a redirect, is tried again later', async () => {
    const { register, receive, publish, numbers } = await create();
    const elsewhere = await receive();
    const redirect = { status: 302, headers: { location: elsewhere.url } };
    // The last answers nothing: its connection breaks off.
    for (const answer of [{ status: 500 }, redirect, { status: 404 }, undefined]) {
      const { url, all } = await receive(() => answer);
      const { id } = await register(url);
      await publish(eventOf(id));
      await expect.poll(() => numbers(id)).toMatchObject({ failed: 1, waiting: 1, delivered: 0, dead: 0 });
      expect(all).toHaveLength(1);
    }
    expect(elsewhere.all).toEqual([]);
  });

  test('7.6 who answers 410 gets nothing more, until somebody enables it again', async () => {
    const { register, receive, publish, numbers, call } = await create();
    let status = 410;
    const { url, idsOf } = await receive(() => ({ status }));
    const { id } = await register(url);
    await publish(eventOf('1'));
    await expect.poll(() => numbers(id)).toMatchObject({ state: 'gone', delivered: 0 });
    await publish(eventOf('2'));
    expect(idsOf()).toEqual(['1']);
    status = 200;
    expect((await call('POST', `/${id}/enable`)).answer).toMatchObject({ state: 'active' });
    await expect.poll(() => numbers(id)).toMatchObject({ state: 'active', delivered: 2 });
    expect(idsOf().toSorted()).toEqual(['1', '1', '2']);
  });

  test('7.8 a webhook goes to no private address, however it is written, and to nothing but https', async () => {
    const { call } = await create({ webhooksGoAnywhere: false });
    for (const url of [
      'https://127.0.0.1/',
      'https://127.1/',
      'https://0x7f000001/',
      'https://2130706433/',
      'https://10.1.2.3/',
      'https://172.16.0.1/',
      'https://192.168.1.1/',
      'https://169.254.169.254/latest/meta-data',
      'https://100.64.0.1/',
      'https://0.0.0.0/',
      'https://[::1]/',
      'https://[::]/',
      'https://[::ffff:127.0.0.1]/',
      'https://[::ffff:a00:1]/',
      'https://[64:ff9b::7f00:1]/',
      'https://[2002:7f00:1::]/',
      'https://[fe80::1]/',
      'https://[fc00::1]/',
      'https://localhost/',
      'https://a.localhost./',
      'https://printer.local/',
      'https://intranet/',
      'http://example.com/',
      'ftp://example.com/',
      'file:///etc/passwd',
      'https://alice:secret@example.com/',
      'nonsense',
      '',
    ]) {
      expect([url, await call('POST', '', { url })]).toEqual([
        url,
        expect.objectContaining({ status: 400, answer: expect.objectContaining({ name: 'InvalidRequest' }) }),
      ]);
    }
    expect((await call('GET')).answer).toEqual({ webhooks: [] });
    expect((await call('POST', '', { url: 'https://example.com/hook' })).status).toBe(201);
  });

  test('7.9 what is malformed is refused, and nothing is registered', async () => {
    const { call, relay, channel } = await create();
    const url = 'https://example.com/hook';
    for (const body of [
      {},
      { url: 7 },
      { url, types: 'todo.*' },
      { url, types: ['a..b'] },
      { url, types: Array.from({ length: 101 }, () => 'a') },
      { url, secret: 'short' },
      { url, secret: 'whsec_c2hvcnQ=' },
      { url, secret: 7 },
      { url, after: 7 },
    ]) {
      expect([body, (await call('POST', '', body)).answer['name']]).toEqual([body, 'InvalidRequest']);
    }
    expect((await call('POST', '', { url, after: 'x y' })).answer['name']).toBe('InvalidOffset');
    const at = `${relay.url}/v1/channels/${channel}/webhooks`;
    for (const body of ['[]', '{', 'null', '\u0000', `{"url":"${'x'.repeat(70_000)}"}`]) {
      expect((await relay.fetch(at, { method: 'POST', body })).status).toBeGreaterThanOrEqual(400);
    }
    expect((await relay.fetch(at, { method: 'PUT', body: '{}' })).status).toBe(405);
    for (let index = 0; index < 20; index += 1) expect((await call('POST', '', { url })).status).toBe(201);
    expect(await call('POST', '', { url })).toMatchObject({ status: 429, answer: { name: 'RateLimited' } });
  });

  test('7.11 a channel that is removed keeps its webhooks, which go on with its next log', async () => {
    const { register, receive, publish, numbers, relay, channel } = await create();
    const { url, idsOf } = await receive();
    const { id } = await register(url);
    await publish(eventOf('1'));
    await expect.poll(() => numbers(id)).toMatchObject({ delivered: 1 });
    expect((await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE' })).status).toBe(204);
    await publish(eventOf('1'), eventOf('2'));
    await expect.poll(() => numbers(id)).toMatchObject({ delivered: 3 });
    expect(idsOf()).toEqual(['1', '1', '2']);
  });
}

/** One test's view of its channel's webhooks. */
export interface WebhookWorld {
  call(
    method: string,
    path?: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<{
    readonly status: number;
    readonly answer: Readonly<Record<string, unknown>>;
    readonly headers: Headers;
  }>;
  register(url: string, its?: object): Promise<{ readonly id: string; readonly secret: string }>;
  numbers(id: string): Promise<Readonly<Record<string, unknown>>>;
  /** A receiver, which answers as the test says: that all is well, unless it says something else. */
  receive(
    answer?: (received: Received) => ReceiverAnswer,
  ): Promise<{ readonly all: readonly Received[]; readonly url: string; idsOf(): readonly string[] }>;
}

/** What one says to the webhooks of a test's channel. */
export function webhooksOf({ relay, channel }: Pick<RelayWorld, 'relay' | 'channel'>): WebhookWorld {
  const at = `${relay.url}/v1/channels/${channel}/webhooks`;
  const call: WebhookWorld['call'] = async (method, path = '', body, headers = {}) => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await relay.fetch(at + path, { method, headers, ...init });
    const text = await response.text();
    const answer: Record<string, unknown> = text === '' ? {} : JSON.parse(text);
    return { status: response.status, answer, headers: response.headers };
  };
  return {
    call,
    async register(url, its = {}) {
      const { status, answer } = await call('POST', '', { url, ...its });
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(answer)}`);
      return answer as { readonly id: string; readonly secret: string };
    },
    numbers: async (id) => (await call('GET', `/${id}`)).answer,
    async receive(answer = () => ({ status: 204 })) {
      const all: Received[] = [];
      const url = await relay.receive((delivered) => {
        const received = { ...delivered, event: JSON.parse(delivered.body) };
        all.push(received);
        return answer(received);
      });
      return { all, url, idsOf: () => all.map(({ event }) => event.id) };
    },
  };
}
