// Bytes that nobody means well with, and connections that break anywhere.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { batchType, createRelayWorld, eventOf, eventType, ids, readFrames } from '../src/testing/index.ts';
import { start } from './relay.ts';

const create = () => createRelayWorld(start);

test('a stream cut at every byte and resumed loses nothing and doubles nothing', async () => {
  const { publish, get, path } = await create();
  const events = ids(1, 6).map((id) => eventOf(id, { data: id === '3' ? 'ä\n\n\r\r🦩' : id }));
  await publish(...events);
  const whole = await bytesUntil(await get(`${path}?after=earliest`, { accept: 'text/event-stream' }), '"id":"6"');
  for (let cut = 0; cut <= whole.length; cut += 1) {
    // What a reader has understood by then, as the specification of Server-Sent Events has it.
    const { seen, lastEventId } = understand(whole.subarray(0, cut));
    const query = lastEventId === '' ? '?after=earliest' : '';
    const again = await get(path + query, { accept: 'text/event-stream', 'last-event-id': lastEventId });
    const rest = seen.length === 6 ? [] : await readFrames(again).ids(6 - seen.length);
    expect([cut, ...seen, ...rest]).toEqual([cut, ...ids(1, 6)]);
    await again.body?.cancel().catch(() => undefined);
  }
});

test('hostile ids and sources stay apart and come back as they were', async () => {
  const { publish, page, post } = await create();
  const texts = [
    '\r',
    '\n',
    '\r\n',
    '\n\n',
    '\0',
    'a\0b',
    '\ufeff',
    '\ud800',
    '\udc00',
    '\ufffd',
    '__proto__',
    'constructor',
  ];
  texts.push('\u2028', '": }', '</script>', "' OR 1=1 --", '\\u0000', '%0d%0a', '🦩', ' ', 'a'.repeat(5000));
  const events = texts.flatMap((text) => [eventOf(text), eventOf('1', { source: text, data: { [text]: text } })]);
  const results = await publish(...events);
  expect(results.map(({ status }) => status)).toEqual(events.map(() => 'appended'));
  expect((await publish(...events)).map(({ status }) => status)).toEqual(events.map(() => 'duplicate'));
  expect((await page()).map(({ id, source, data }) => [id, source, data])).toEqual(
    events.map(({ id, source, data }) => [id, source, data]),
  );
  const proto = `[{"specversion":"1.0","id":"p","source":"/a","type":"t","__proto__":{"x":1}}]`;
  const { results: refused } = (await (await post(batchType, proto)).json()) as { results: unknown[] };
  expect(refused).toMatchObject([{ id: 'p', status: 'refused', failure: { name: 'InvalidEvent' } }]);
});

test('a byte order mark before the JSON is passed over', async () => {
  const { post, page } = await create();
  expect((await post(eventType, `\ufeff${JSON.stringify(eventOf('1'))}`)).status).toBe(200);
  expect(await page()).toHaveLength(1);
});

test('a body that breaks off stores nothing', async () => {
  const { relay, path, page } = await create();
  const body = JSON.stringify(eventOf('1'));
  const headers = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\n`;
  for (const [head, part] of [
    [`${headers}Content-Length: ${body.length + 10}\r\n\r\n`, body],
    [`${headers}Transfer-Encoding: chunked\r\n\r\n`, `${body.length.toString(16)}\r\n${body}`],
    [`${headers}Content-Length: ${body.length}\r\n\r\n`, body.slice(0, -1)],
  ]) {
    for (const how of ['ends', 'is torn']) {
      const socket = await open(relay.url);
      socket.resume();
      socket.write(`${head}${part}`);
      await new Promise((resolve) => socket.write('', resolve));
      if (how === 'ends') socket.end();
      else socket.destroy();
      await once(socket, 'close');
    }
  }
  expect(await page()).toEqual([]);
});

test('a body of 100 MB is refused early, and none of it is kept', async () => {
  const { relay, path, page } = await create();
  for (const framing of ['Content-Length: 100000000', 'Transfer-Encoding: chunked']) {
    const socket = await open(relay.url);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\n${framing}\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    let sent = 0;
    while (!answer.includes('\r\n\r\n') && sent < 100_000_000 && !socket.destroyed) {
      const piece = framing.startsWith('T')
        ? Buffer.concat([Buffer.from('10000\r\n'), chunk, Buffer.from('\r\n')])
        : chunk;
      await new Promise((resolve) => socket.write(piece, resolve));
      sent += chunk.length;
    }
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"name":"TooLarge"');
    expect(sent).toBeLessThan(50_000_000);
    socket.destroy();
  }
  expect(await page()).toEqual([]);
});

test('requests that are no HTTP, or have hostile headers, harm nobody', async () => {
  const { relay, path, publish, page } = await create();
  const requests = [
    'nonsense\r\n\r\n',
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nLast-Event-ID: \xff\xfe\0\r\n\r\n`,
    `GET ${path}?after=%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /v1/channels/%/events HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /v1/channels/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET http://[ HTTP/1.1\r\nHost: [\r\n\r\n`,
    `GET ${path} HTTP/1.1\r\nHost: x\r\nCookie: godwit_token\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`,
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ];
  for (const request of requests) {
    const socket = await open(relay.url);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.end(Buffer.from(request, 'latin1'));
    await once(socket, 'close');
    expect(
      answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer),
      JSON.stringify([request.slice(0, 60), answer.slice(0, 200)]),
    ).toBe(true);
  }
  await publish(eventOf('1'));
  expect(await page()).toHaveLength(1);
});

test('HEAD tells what GET would, and leaves no reader behind', async () => {
  const { relay, path, stat, publish } = await create();
  await publish(eventOf('1'));
  for (const where of [path, '/v1/events?channel=a']) {
    const response = await relay.fetch(relay.url + where, { method: 'HEAD', headers: { accept: 'text/event-stream' } });
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'text/event-stream',
      '',
    ]);
  }
  expect((await stat())['subscribers']).toBe(0);
});

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function bytesUntil(response: Response, marker: string): Promise<Uint8Array> {
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  let bytes = Buffer.alloc(0);
  while (!(bytes.includes(marker) && bytes.subarray(-2).toString() === '\n\n')) {
    const { value } = await reader.read();
    if (value !== undefined) bytes = Buffer.concat([bytes, value]);
  }
  await reader.cancel();
  return bytes;
}

/** Dispatches as a browser's EventSource does: a frame counts when its empty line has come. */
function understand(bytes: Uint8Array): { readonly seen: readonly unknown[]; readonly lastEventId: string } {
  const text = new TextDecoder().decode(bytes);
  const frames = text.split('\n\n').slice(0, -1);
  let lastEventId = '';
  const seen: unknown[] = [];
  for (const frame of frames) {
    const field = (name: string): string | undefined =>
      frame
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2);
    lastEventId = field('id') ?? lastEventId;
    const data = field('data');
    if (data !== undefined && field('event') === undefined) seen.push((JSON.parse(data) as { id: string }).id);
  }
  return { seen, lastEventId };
}
