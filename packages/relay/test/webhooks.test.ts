// PROTOCOL.md, rule 7: webhooks, received over real HTTP by somebody who checks what Standard Webhooks says.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { createRelayWorld, eventOf, ids, type RelayStart, type RelayWorld } from '../src/testing/index.ts';
import type { RelayOptions } from '../src/node/index.ts';
import { folder, start } from './relay.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: { readonly id: string; readonly channel: string; readonly sequence: string };
}

/** A receiver, which answers as the test says. */
async function receive(answer: (outgoing: ServerResponse, received: Received) => void = ok) {
  const all: Received[] = [];
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk) => (body += String(chunk)));
    incoming.on('end', () => {
      const received = { headers: incoming.headers, body, event: JSON.parse(body) };
      all.push(received);
      answer(outgoing, received);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { all, url: `http://127.0.0.1:${port}/hook`, idsOf: () => all.map(({ event }) => event.id) };
}

function ok(outgoing: ServerResponse): void {
  outgoing.writeHead(204).end();
}

function answering(status: number, headers: Record<string, string> = {}): (outgoing: ServerResponse) => void {
  return (outgoing) => void outgoing.writeHead(status, headers).end();
}

async function create(options: RelayStart = {}, more: Partial<RelayOptions> = { allowPrivateWebhooks: true }) {
  const world = await createRelayWorld((its) => start(its, more), options);
  return { ...world, ...hooksOf(world) };
}

function hooksOf({ relay, channel }: RelayWorld) {
  const at = `${relay.url}/v1/channels/${channel}/webhooks`;
  const call = async (method: string, path = '', body?: object, headers: Record<string, string> = {}) => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await relay.fetch(at + path, { method, headers, ...init });
    const text = await response.text();
    const answer: Record<string, unknown> = text === '' ? {} : JSON.parse(text);
    return { status: response.status, answer, headers: response.headers };
  };
  return {
    call,
    async register(url: string, its: object = {}) {
      const { status, answer } = await call('POST', '', { url, ...its });
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(answer)}`);
      return answer as { readonly id: string; readonly secret: string };
    },
    numbers: async (id: string) => (await call('GET', `/${id}`)).answer,
  };
}

test('7.1 a webhook is registered, listed, looked at and removed; its secret is told once', async () => {
  const { call, publish, numbers, channel } = await create();
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
  const { url } = await receive();
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
  const { register, publish, numbers, channel } = await create();
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
    const checked = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(checked).toMatchObject({ id: event.id, channel, sequence: expect.stringMatching(/^\d{16}$/) });
    expect(headers['content-type']).toBe('application/cloudevents+json');
  }
  expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(31);
  expect(() =>
    new Webhook('whsec_bm90IHRoaXMgb25lLCBidXQgYW5vdGhlcg==').verify(all[0]?.body ?? '', {
      ...all[0]?.headers,
    } as Record<string, string>),
  ).toThrow();
});

test('7.4 while a secret is rotated, both sign', async () => {
  const { register, publish, call, numbers } = await create();
  const { url, all } = await receive();
  const own = `whsec_${Buffer.from('a secret of alice and the relay').toString('base64')}`;
  const { id, secret } = await register(url, { secret: own });
  expect(secret).toBe(own);
  const rotated = await call('POST', `/${id}/rotate`);
  expect(rotated.answer).toMatchObject({ id, previousSecretUntil: expect.stringMatching(/^\d{4}-/) });
  expect(rotated.answer['secret']).not.toBe(own);
  expect(await numbers(id)).not.toHaveProperty('secret');
  await publish(eventOf('1'));
  await expect.poll(() => all.length).toBe(1);
  for (const its of [own, String(rotated.answer['secret'])]) {
    expect(() =>
      new Webhook(its).verify(all[0]?.body ?? '', { ...all[0]?.headers } as Record<string, string>),
    ).not.toThrow();
  }
});

test('7.5 what is answered 2xx is delivered; anything else, also a redirect, is tried again later', async () => {
  const { register, publish, numbers } = await create();
  const elsewhere = await receive();
  for (const answer of [answering(500), answering(302, { location: elsewhere.url }), answering(404)]) {
    const { url, all } = await receive(answer);
    const { id } = await register(url);
    await publish(eventOf(id));
    await expect.poll(() => numbers(id)).toMatchObject({ failed: 1, waiting: 1, delivered: 0, dead: 0 });
    expect(all).toHaveLength(1);
  }
  const { id } = await register('http://127.0.0.1:1/nobody');
  await publish(eventOf('last'));
  await expect.poll(() => numbers(id)).toMatchObject({ failed: 1, waiting: 1 });
  expect(elsewhere.all).toEqual([]);
});

test('7.6 who answers 410 gets nothing more, until somebody enables it again', async () => {
  const { register, publish, numbers, call } = await create();
  let status = 410;
  const { url, idsOf } = await receive((outgoing) => answering(status)(outgoing));
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
  const { call } = await create({}, {});
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

test('7.10 what was not acknowledged is sent by the next process, and what was is not', async () => {
  const data = await folder();
  const first = await create({}, { data, allowPrivateWebhooks: true });
  let status = 500;
  const { url, idsOf } = await receive((outgoing, { event }) => answering(event.id === '1' ? 200 : status)(outgoing));
  const { id } = await first.register(url);
  await first.publish(eventOf('1'), eventOf('2'));
  await expect.poll(() => first.numbers(id)).toMatchObject({ delivered: 1, waiting: 1 });
  await first.relay.close();
  status = 200;
  const second = await startRelayAgain(data);
  const look = async () => (await fetch(`${second}/v1/channels/${first.channel}/webhooks/${id}`)).json();
  // The row waits for its time, which is not now.
  expect(await look()).toMatchObject({ delivered: 1, waiting: 1, failed: 1 });
  await fetch(`${second}/v1/channels/${first.channel}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(eventOf('3')),
  });
  await expect.poll(look).toMatchObject({ delivered: 2, waiting: 1 });
  expect(idsOf()).toEqual(['1', '2', '3']);
});

test('7.11 a channel that is removed keeps its webhooks, which go on with its next log', async () => {
  const { register, publish, numbers, relay, channel } = await create();
  const { url, idsOf } = await receive();
  const { id } = await register(url);
  await publish(eventOf('1'));
  await expect.poll(() => numbers(id)).toMatchObject({ delivered: 1 });
  expect((await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE' })).status).toBe(204);
  await publish(eventOf('1'), eventOf('2'));
  await expect.poll(() => numbers(id)).toMatchObject({ delivered: 3 });
  expect(idsOf()).toEqual(['1', '1', '2']);
});

async function startRelayAgain(data: string): Promise<string> {
  const again = await start({}, { data, allowPrivateWebhooks: true });
  onTestFinished(() => again.close());
  return again.url;
}
