// The relay as a process: how it starts, ends, and is killed.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readFrames } from '../src/testing/index.ts';
import { runRelay, runRelayBehind } from './command.ts';
import { folder, secret } from './relay.ts';

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? String(address.port) : '';
}

interface Posted {
  readonly results: readonly { readonly id: string; readonly status: string; readonly offset: string }[];
}

async function post(
  url: string,
  id: string,
  headers: Record<string, string> = {},
  data = 'x'.repeat(300),
): Promise<Posted> {
  const event = { specversion: '1.0', id, source: '/alice', type: 'todo.added', data };
  const response = await fetch(`${url}/v1/channels/room/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json', ...headers },
    body: JSON.stringify(event),
  });
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as Posted;
}

async function read(url: string): Promise<readonly { readonly id: string; readonly sequence: string }[]> {
  const all: { id: string; sequence: string }[] = [];
  let after = 'earliest';
  for (;;) {
    const response = await fetch(`${url}/v1/channels/room/events?after=${after}`);
    all.push(...((await response.json()) as { id: string; sequence: string }[]));
    after = response.headers.get('godwit-next-offset') ?? '';
    if (response.headers.get('godwit-up-to-date') === 'true') return all;
  }
}

test('it says in one line where it is, and nothing else on stdout', async () => {
  const relay = runRelay('--port', '0', '--data', await folder(), '--insecure');
  const url = await relay.ready;
  await post(url, '1');
  await fetch(`${url}/nope`);
  relay.child.kill('SIGTERM');
  expect(await relay.ended).toBe(0);
  expect(relay.output.stdout).toMatch(/^godwit relay http:\/\/127\.0\.0\.1:\d+\n$/);
});

test('on SIGTERM it tells its readers, ends their streams, answers what is under way, and exits 0', async () => {
  const relay = runRelay('--port', '0', '--data', await folder(), '--insecure');
  const url = await relay.ready;
  const stream = readFrames(
    await fetch(`${url}/v1/channels/room/events`, { headers: { accept: 'text/event-stream' } }),
  );
  await stream.control('connected');
  const poll = fetch(`${url}/v1/channels/room/events?wait=30`);
  await post(url, '1');
  expect(await (await poll).json()).toHaveLength(1);
  const waiting = fetch(`${url}/v1/channels/room/events?wait=30`).then((response) => response.json());
  await fetch(`${url}/healthz`);
  relay.child.kill('SIGTERM');
  expect(await stream.control('drain')).toEqual({ retryAfterMs: expect.any(Number) });
  expect(await stream.next()).toBeUndefined();
  expect(await waiting).toEqual([]);
  expect(await relay.ended).toBe(0);
});

test('on SIGTERM a reader that takes nothing does not keep it from ending', async () => {
  const relay = runRelay('--port', '0', '--data', await folder(), '--insecure', '--durability', 'os');
  const url = await relay.ready;
  const { hostname, port } = new URL(url);
  const stalled = connect(Number(port), hostname);
  onTestFinished(() => void stalled.destroy());
  stalled.on('error', () => undefined);
  stalled.write('GET /v1/channels/room/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  // What comes is left where it is.
  await once(stalled, 'readable');
  const queueDepth = async (): Promise<number> =>
    ((await (await fetch(`${url}/v1/channels/room`)).json()) as { readonly queueDepth: number }).queueDepth;
  // As much as the platform takes for a reader, some megabytes, and more.
  for (let id = 0; (await queueDepth()) < 20; id += 1) await post(url, String(id), {}, 'x'.repeat(200_000));
  relay.child.kill('SIGTERM');
  expect([await relay.ended, relay.output.stderr]).toEqual([0, '']);
});

test('told to end twice, as by npm when Ctrl+C is pressed, it answers what is under way all the same, and exits 0', async () => {
  const relay = runRelay('--port', '0', '--data', await folder(), '--insecure');
  const url = await relay.ready;
  const { hostname, port } = new URL(url);
  const stream = readFrames(
    await fetch(`${url}/v1/channels/room/events`, { headers: { accept: 'text/event-stream' } }),
  );
  await stream.control('connected');
  const posting = connect(Number(port), hostname);
  onTestFinished(() => void posting.destroy());
  let answer = '';
  posting.setEncoding('utf8').on('data', (chunk) => (answer += String(chunk)));
  posting.on('error', () => undefined);
  const ended = once(posting, 'close');
  posting.write(
    'POST /v1/channels/room/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/cloudevents+json\r\n' +
      'Expect: 100-continue\r\nContent-Length: 2\r\n\r\n',
  );
  // It is under way.
  await once(posting, 'data');
  relay.child.kill('SIGINT');
  await stream.control('drain');
  relay.child.kill('SIGINT');
  posting.write('{}');
  await ended;
  expect(answer).toMatch(/^HTTP\/1\.1 (400|503) .*"name":"(InvalidEvent|Draining)"/ms);
  expect(await relay.ended).toBe(0);
});

test('asked to end in the moment in which it says where it is, it ends as at any other time', async () => {
  // From within the write itself: no later moment is as early.
  const code = `
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text) => {
      const isWritten = write(text);
      process.kill(process.pid, 'SIGTERM');
      return isWritten;
    };`;
  const data = [await folder(), await folder(), await folder()];
  const relays = data.map((path) => runRelayBehind(code, '--port', '0', '--data', path, '--insecure'));
  for (const relay of relays) {
    await relay.ready;
    expect(await relay.ended).toBe(0);
  }
});

test.each(['stderr', 'stdout'] as const)('when nobody reads its %s any more, it goes on serving', async (name) => {
  const data = await folder();
  const file = join(data, 'key');
  await writeFile(file, 'short');
  // A line on each: one that warns of the key, and one that says where it is.
  const port = await freePort();
  const relay = runRelay('--port', port, '--data', data, '--secret-file', file);
  relay.child[name]?.destroy();
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(async () => expect((await fetch(`${url}/healthz`)).status).toBe(200), { timeout: 90_000 });
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  relay.child.kill('SIGTERM');
  expect(await relay.ended).toBe(0);
});

test('killed in a stream of publishes, it has lost and doubled nothing that it acknowledged', async () => {
  const data = await folder();
  const acknowledged = new Map<string, string>();
  let next = 0;
  for (let round = 0; round < 3; round += 1) {
    const relay = runRelay('--port', '0', '--data', data, '--insecure');
    const url = await relay.ready;
    const goal = acknowledged.size + 150;
    const publisher = async (): Promise<void> => {
      for (;;) {
        const id = String((next += 1));
        const [result] = (await post(url, id)).results;
        if (result !== undefined) acknowledged.set(result.id, result.offset);
        if (acknowledged.size >= goal) relay.child.kill('SIGKILL');
      }
    };
    await Promise.allSettled(Array.from({ length: 8 }, publisher));
    expect(await relay.ended).toBe('SIGKILL');
  }
  const relay = runRelay('--port', '0', '--data', data, '--insecure');
  const url = await relay.ready;
  const events = await read(url);
  expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, index) => index + 1));
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const stored = new Map(events.map(({ id, sequence }) => [id, sequence]));
  for (const [id, offset] of acknowledged) expect(offset.endsWith(`.${stored.get(id)}`)).toBe(true);
  // Sent again, as a device does that never heard the answer: nothing doubles.
  for (const [id, offset] of [...acknowledged].slice(-5)) {
    expect((await post(url, id)).results).toEqual([{ id, status: 'duplicate', offset }]);
  }
});

test('9.8 without a key, and without being told that it is open to all, it does not start', async () => {
  const relay = runRelay('--port', '0', '--data', await folder());
  expect(await relay.ended).toBe(2);
  expect(relay.output.stdout).toBe('');
  expect(relay.output.stderr).toContain('--secret-file FILE or --insecure');
});

test('with a key from a file, it wants tokens', async () => {
  const data = await folder();
  const file = join(data, 'key');
  await writeFile(file, `${new TextDecoder().decode(secret)}\n`);
  const relay = runRelay('--port', '0', '--data', data, '--secret-file', file);
  const url = await relay.ready;
  await expect(post(url, '1')).rejects.toThrow('Unauthenticated');
  const token = await new SignJWT({ publish: ['room'] }).setProtectedHeader({ alg: 'HS256' }).sign(secret);
  expect((await post(url, '1', { authorization: `Bearer ${token}` })).results).toMatchObject([{ status: 'appended' }]);
});

test.each([
  [['--port', 'x'], '--port is a number'],
  [['--port', '70000'], '--port is a number'],
  [['--durability', 'maybe'], '--durability is fsync or os'],
  [['--nonsense'], '--help lists the options'],
  [['--limit', 'eventBytes=5'], '--limit is NAME=NUMBER, a number above 0, of eventBytesMax, '],
  [['--limit', 'eventBytesMax=0'], '--limit is NAME=NUMBER'],
  [['--retention', 'room:*'], '--retention is PATTERN=BOUNDS'],
  [['--retention', 'room:*=1h,2h'], 'up to one each'],
  [['--secret-file', 'does-not-exist'], 'cannot read --secret-file does-not-exist'],
  [['--secret-file', 'x', '--insecure'], '--secret-file and --insecure exclude each other'],
  [['--public-key-file', 'x', '--jwks-url', 'x'], '--public-key-file and --jwks-url exclude each other'],
  [['--public-key-file', 'package.json'], 'the public key is JSON, but no JWK'],
  [['--jwks-url', 'issuer.example'], 'the JWKS URL is https://'],
  [['--insecure', '--data', ''], '--data is empty'],
  [['--insecure', '--host', ''], '--host is empty'],
  [['--insecure', '--host', 'nowhere.invalid'], 'name another --host'],
  [['--insecure', '--limit', 'heartbeatMs=2147483648'], '2147483647 ms, some 24 days, are the most'],
  [['--insecure', '--cors', 'https://app.example/'], 'as https://app.example; got'],
  [['--insecure', '--cors', 'app.example'], 'as https://app.example, without a path; got'],
  [['--insecure', '--proxy', 'proxy.example'], 'a proxy is named by its IP address'],
  [['--insecure', '--assets', 'does-not-exist'], 'there is no folder'],
  [['--insecure', '--issuer', 'x'], 'means nothing where --insecure wants none'],
])('started with %j, it says what is wrong and exits 2', async (args, sentence) => {
  const relay = runRelay('--data', await folder(), ...args);
  expect(await relay.ended).toBe(2);
  expect(relay.output.stdout).toBe('');
  expect(relay.output.stderr).toContain(sentence);
});

test('on a file that is damaged, in use or cannot be made, or on a port that is taken, it does not start, and says so', async () => {
  const data = await folder();
  await writeFile(join(data, 'godwit.sqlite'), 'not a database, but long enough to be looked at '.repeat(100));
  const damaged = runRelay('--port', '0', '--data', data, '--insecure');
  expect(await damaged.ended).toBe(1);
  // What is no mistake of the command line is a line of the log.
  expect(JSON.parse(damaged.output.stderr)).toMatchObject({
    level: 'error',
    name: 'StorageFailed',
    message: expect.stringContaining('it is not a database'),
  });

  // Where folders cannot be made, whoever may ask for them.
  const nowhere = runRelay('--port', '0', '--data', '/proc/godwit/data', '--insecure');
  expect(await nowhere.ended).toBe(1);
  expect(nowhere.output.stderr).toContain('cannot open /proc/godwit/data/godwit.sqlite: ');

  const shared = await folder();
  const first = runRelay('--port', '0', '--data', shared, '--insecure');
  await first.ready;
  const second = runRelay('--port', '0', '--data', shared, '--insecure');
  expect(await second.ended).toBe(1);
  expect(second.output.stderr).toContain('does another relay run on this file?');

  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? String(address.port) : '';
  const third = runRelay('--port', port, '--data', await folder(), '--insecure');
  expect(await third.ended).toBe(2);
  expect(third.output.stderr).toContain('name another --port');
});
