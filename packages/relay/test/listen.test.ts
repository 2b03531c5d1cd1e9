// HTTP itself: what is no request, how long one may be, and how connections end.
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRelayWorld, eventOf, eventType, ids, readFrames, type RelayUnderTest } from '../src/testing/index.ts';
import { acceptedSockets, folder, start } from './relay.ts';

const post = `POST /v1/channels/a/events HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\n`;
const binary =
  'POST /v1/channels/a/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nce-specversion: 1.0\r\nce-source: /alice\r\nce-type: a.b\r\n';
const event = JSON.stringify(eventOf('1'));

test.each([
  ['a body that ends before its length', `${post}Content-Length: 999\r\n\r\n${event}`, 400, 'InvalidEvent'],
  ['a chunk that ends before its size', `${post}Transfer-Encoding: chunked\r\n\r\nff\r\n${event}`, 400, 'InvalidEvent'],
  ['a chunk without a size', `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n${event}`, 400, 'InvalidEvent'],
  ['two framings', `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`, 400, 'InvalidRequest'],
  ['two lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345`, 400, 'InvalidRequest'],
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400, 'InvalidRequest'],
  ['a host that is none', 'GET /healthz HTTP/1.1\r\nHost: a b[\r\n\r\n', 400, 'InvalidRequest'],
  ['a target that is none', 'GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'InvalidRequest'],
  ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', 400, 'InvalidRequest'],
  ['a tunnel', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 400, 'InvalidRequest'],
  ['another expectation', `${post}Content-Length: 1\r\nExpect: 200-ok\r\n\r\n1`, 417, 'InvalidRequest'],
  ['a packed body', `${post}Transfer-Encoding: gzip, chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n`, 501, 'Unsupported'],
  ['a body whose end nobody knows', `${post}Transfer-Encoding: gzip\r\n\r\n${event}`, 400, 'InvalidRequest'],
  ['another protocol', 'nonsense\r\n\r\n', 400, 'InvalidRequest'],
  ['half a request', 'GET /healthz HT', 400, 'InvalidRequest'],
  ['too long headers', `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`, 431, 'InvalidRequest'],
  ['two values of one attribute', `${binary}ce-id: 1\r\nce-id: 2\r\nContent-Length: 1\r\n\r\n1`, 400, 'InvalidEvent'],
])('%s is answered with a problem that has a name', async (_, request, status, name) => {
  const { relay, page } = await createRelayWorld(start);
  const [head = '', body = ''] = (await exchange(relay, request)).split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  // Between the lengths of its chunks, where it has some.
  expect(JSON.parse(/\{.*\}/.exec(body)?.[0] ?? '')).toMatchObject({ status, name, detail: expect.any(String) });
  expect(await page()).toEqual([]);
});

test.each([-1, 0.5, 65_536, Number.NaN])('a relay does not start on port %d, and makes no file', async (port) => {
  const data = await folder();
  await expect(start({}, { port, data })).rejects.toMatchObject({
    name: 'InvalidOptions',
    message: `\`port\` is a whole number from 0 to 65535; got ${port}`,
  });
  expect(await readdir(data)).toEqual([]);
});

test('a health check in HTTP/1.0, without a Host, is answered', async () => {
  const { relay } = await createRelayWorld(start);
  expect(await exchange(relay, 'GET /readyz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
});

test('who asks what the relay as a whole can do is told, and asks on', async () => {
  const { relay } = await createRelayWorld(start);
  const asterisk = 'OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}';
  const [, whole, health] = (await exchange(relay, `${asterisk}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`)).split(
    'HTTP/1.1 ',
  );
  expect(whole).toMatch(/^204 [^]*\r\nallow: GET, HEAD, POST, DELETE\r\n/i);
  expect(health).toMatch(/^200 /);
  // Of no other method is it a target.
  expect(await exchange(relay, 'GET * HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
});

test('whoever asks before sending a body that is too large is not told to send it', async () => {
  const { relay } = await createRelayWorld(start);
  const ask = async (bytes: number): Promise<{ socket: Socket; answer: () => string }> => {
    const socket = await open(relay);
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk) => (answer += String(chunk)));
    socket.on('error', () => undefined);
    socket.write(`${post}Expect: 100-continue\r\nContent-Length: ${bytes}\r\n\r\n`);
    return { socket, answer: () => answer };
  };
  const small = await ask(event.length);
  await expect.poll(small.answer).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  small.socket.write(event);
  await expect.poll(small.answer).toContain('"appended"');
  const large = await ask(100_000_000);
  await once(large.socket, 'close');
  expect(large.answer()).toMatch(/^HTTP\/1\.1 413 /);
});

test('of what is under way when the relay ends, a connection’s last answer says that there is no next', async () => {
  const { relay } = await createRelayWorld(start);
  const socket = await open(relay);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => (answer += String(chunk)));
  const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const poll = get('/v1/channels/a/events?wait=30');
  socket.write(`${get('/healthz')}${poll}${poll}`);
  await expect.poll(() => answer).toContain('"ok"');
  const closed = once(socket, 'close');
  await relay.close();
  await closed;
  expect(answer.match(/^connection: .*$/gim)).toEqual([
    'Connection: keep-alive',
    'Connection: keep-alive',
    'Connection: close',
  ]);
});

test('what cannot be read after a good request does not write into its answer', async () => {
  const { relay } = await createRelayWorld(start);
  const stream = 'GET /v1/channels/a/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n';
  const socket = await open(relay);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => (answer += String(chunk)));
  socket.on('error', () => undefined);
  socket.write(stream);
  await expect.poll(() => answer).toContain('event: connected');
  socket.write('nonsense\r\n\r\n');
  await once(socket, 'close');
  expect(answer).not.toContain('problem+json');
});

test('who ends its side of the connection behind a request is answered on the other', async () => {
  const { relay, page, path } = await createRelayWorld((options) => start(options, { durability: 'fsync' }));
  const all = ids(1, 20);
  const posts = all.map((id) => {
    const body = JSON.stringify(eventOf(id));
    return exchange(
      relay,
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  for (const answer of await Promise.all(posts)) expect(answer).toContain('"status":"appended"');
  expect(await page()).toHaveLength(all.length);
  // Its end has come long before there is an answer.
  expect(await exchange(relay, `GET ${path}?wait=0.5 HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 200 [^]*\[\]$/,
  );
});

test.each([
  ['at once', ''],
  ['with another request behind it', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
])('who ends its side behind the request for a stream, %s, has gone', async (_, behind) => {
  const { relay, path, stat } = await createRelayWorld(start);
  const stream = `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`;
  await exchange(relay, stream + behind);
  await expect.poll(async () => (await stat())['subscribers']).toBe(0);
});

test('who ended its side while its stream was decided on is still told where it stands', async () => {
  const accepted = acceptedSockets();
  const authorize = async (): Promise<boolean> => {
    await expect.poll(() => accepted.some(({ readableEnded }) => readableEnded)).toBe(true);
    return true;
  };
  const { relay, path } = await createRelayWorld((options) => start(options, { insecure: false, authorize }));
  const stream = `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`;
  expect(await exchange(relay, stream)).toContain('event: connected');
});

test.each([
  ['nonsense', 'nonsense\r\n\r\n'],
  ['a body that is longer than it said', 'x'],
  ['too long headers', `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`],
])('%s behind a post is no answer to the post', async (_, behind) => {
  const { relay, page, path } = await createRelayWorld((options) => start(options, { durability: 'fsync' }));
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\n`;
  const answer = await exchange(relay, `${head}Content-Length: ${event.length}\r\n\r\n${event}${behind}`);
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*"status":"appended"/);
  // What cannot be read has one of its own, where the post's had gone by then.
  for (const other of answer.split('HTTP/1.1 ').slice(2)) expect(other).toMatch(/^4(00|31) /);
  expect(await page()).toHaveLength(1);
});

test.each([
  [
    'a handshake',
    'GET /v1/channels/a/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
    /^HTTP\/1\.1 426 /,
  ],
  ['a tunnel', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n', undefined],
])('%s behind a request that is not answered yet does not get ahead of it', async (_, request, answered) => {
  const { relay } = await createRelayWorld(start);
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const poll = 'GET /v1/channels/a/events?wait=0.3 HTTP/1.1\r\nHost: x\r\n\r\n';
  const [first = '', second = '', ...others] = (await exchange(relay, `${poll}${request}${key}\r\n`)).split(
    /(?=HTTP\/1\.1 )/,
  );
  // What is no HTTP any more behind it ends the connection at once: nobody is told what is another's answer.
  expect([first.slice(0, 12), others]).toEqual([answered === undefined ? '' : 'HTTP/1.1 200', []]);
  if (answered !== undefined) expect(second).toMatch(answered);
});

test('a hundred channels of the longest names, each with an offset, are read on one connection', async () => {
  const { relay, publish, stat } = await createRelayWorld(start);
  await publish(eventOf('1'));
  const { head } = await stat();
  const query = new URLSearchParams();
  for (let index = 0; index < 100; index += 1)
    query.append('channel', `${`${index}`.padEnd(128, ':')}@${String(head)}`);
  expect(query.toString().length).toBeGreaterThan(40_000);
  const response = await relay.fetch(`${relay.url}/v1/events?${query.toString()}`);
  expect(response.status).toBe(200);
  const frames = readFrames(response);
  await frames.control('connected');
  await frames.cancel();
});

test('connections that ask nothing do not hold up its end', async () => {
  const { relay } = await createRelayWorld(start);
  const silent = await open(relay);
  const halfway = await open(relay);
  halfway.write('GET /healthz HT');
  // Connections are taken in the order in which they came: these two are known by now.
  expect((await relay.fetch(`${relay.url}/healthz`)).status).toBe(200);
  // The time after which it cuts whoever is left never comes.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const ended = [once(silent.resume(), 'close'), once(halfway.resume(), 'close')];
  await relay.close();
  await Promise.all(ended);
});

async function exchange(relay: RelayUnderTest, request: string): Promise<string> {
  const socket = await open(relay);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => (answer += String(chunk)));
  socket.on('error', () => undefined);
  socket.end(request);
  await once(socket, 'close');
  return answer;
}

async function open({ url }: RelayUnderTest): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}
