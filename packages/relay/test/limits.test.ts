// Limits on Node, where it is the connection that is limited: how many, how slow. PROTOCOL.md, rule 10, lists the numbers.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createRelayWorld, eventOf, eventType, ids, type RelayUnderTest } from '../src/testing/index.ts';
import { start } from './relay.ts';

test('10.2 one client has so many connections and no more; when some end, it may have others', async () => {
  const { relay, page } = await createRelayWorld((options) =>
    start(options, { limits: { connectionsPerClientMax: 3 }, proxies: [] }),
  );
  const stream = 'GET /v1/channels/a/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n';
  const sockets: Socket[] = [];
  for (let index = 0; index < 3; index += 1) {
    const socket = await open(relay);
    sockets.push(socket);
    socket.write(stream);
    await once(socket, 'data');
  }
  const answer = await exchange(relay, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 429 [^]*retry-after: 15[^]*"name":"RateLimited"/i);
  expect(answer).toContain('this address has 3 connections already');
  for (const socket of sockets) socket.destroy();
  await expect
    .poll(async () => exchange(relay, 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
    .toMatch(/^HTTP\/1\.1 200 /);
  expect(await page()).toEqual([]);
});

test('10.2 the connections of a proxy are those of many clients, and are not counted', async () => {
  const { relay } = await createRelayWorld((options) => start(options, { limits: { connectionsPerClientMax: 1 } }));
  const silent = [await open(relay), await open(relay), await open(relay)];
  expect((await relay.fetch(`${relay.url}/healthz`)).status).toBe(200);
  expect(silent.every(({ destroyed }) => !destroyed)).toBe(true);
});

test('10.3 who is too slow is answered 408 and let go of, and nothing of it is stored', async () => {
  const { relay, publish, page } = await createRelayWorld((options) =>
    start(options, { limits: { headersMsMax: 600, requestMsMax: 1200 } }),
  );
  const post = 'POST /v1/channels/a/events HTTP/1.1\r\nHost: x\r\n';
  const slow = {
    'no request at all': '',
    'headers that never end': `${post}X: `,
    'a body that never ends': `${post}Content-Type: ${eventType}\r\nContent-Length: 500\r\n\r\n{`,
  };
  for (const [name, begin] of Object.entries(slow)) {
    expect([name, await exchange(relay, begin)]).toEqual([name, expect.stringMatching(/^HTTP\/1\.1 408 /)]);
  }
  await publish(eventOf('1'));
  expect(await page()).toHaveLength(1);
});

test('10.3 who takes nothing of an answer is let go of, and with it what was held for it', async () => {
  const { relay } = await createRelayWorld((options) =>
    start(options, { limits: { connectionsPerClientMax: 1, requestMsMax: 200 }, proxies: [] }),
  );
  const socket = await open(relay);
  const body = JSON.stringify(eventOf('1', { data: 'x'.repeat(200_000) }));
  socket.write(
    `POST /v1/channels/a/events HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, 'readable');
  // More than the platform takes for it.
  socket.write('GET /v1/channels/a/events?after=earliest HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200));
  const another = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  expect(await exchange(relay, another)).toMatch(/^HTTP\/1\.1 429 /);
  await expect.poll(async () => exchange(relay, another)).toMatch(/^HTTP\/1\.1 200 /);
});

test('10.5 a channel keeps what the first rule says that matches its name', async () => {
  const retention = [{ channels: 'test:*', retentionEvents: 10 }];
  const { publish, stat, get, path, relay } = await createRelayWorld((options) => start(options, { retention }));
  for (const id of ids(1, 40)) await publish(eventOf(id));
  await expect.poll(async () => (await get(`${path}?after=earliest`)).json()).toHaveLength(10);
  expect(await stat()).toMatchObject({ published: 40 });
  for (const id of ids(1, 40)) {
    const body = JSON.stringify(eventOf(id));
    const other = `${relay.url}/v1/channels/kept/events`;
    await relay.fetch(other, { method: 'POST', headers: { 'content-type': eventType }, body });
  }
  expect(await (await get('/v1/channels/kept/events?after=earliest')).json()).toHaveLength(40);
});

async function exchange(relay: RelayUnderTest, request: string): Promise<string> {
  const socket = await open(relay);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => (answer += String(chunk)));
  socket.write(request);
  await once(socket, 'close');
  return answer;
}

async function open({ url }: RelayUnderTest): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}
