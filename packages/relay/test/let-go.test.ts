// A stream's connection keeps nothing of the request that it began with: on this Node, as its parts are called today.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createRelayWorld, eventOf } from '../src/testing/index.ts';
import { letGo } from '../src/node/let-go.ts';
import { acceptedSockets, start } from './relay.ts';

test('Node gives back the parser, the answer and its listeners, and the connection goes on as it is', async () => {
  const server = createServer();
  const begun = new Promise<Socket>((resolve) => {
    server.on('request', (incoming, outgoing) => {
      const { socket } = incoming;
      outgoing.useChunkedEncodingByDefault = false;
      outgoing.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
      outgoing.flushHeaders();
      // Once the request has been read to its end, as it is when a relay answers.
      setImmediate(() => {
        const isFree = letGo({ incoming, outgoing, isAlone: () => true }, socket, () => resolve(socket));
        if (!isFree) socket.destroy();
      });
    });
  }).then((socket) => {
    expect([Reflect.get(socket, 'parser'), Reflect.get(socket, '_httpMessage')]).toEqual([null, null]);
    const left = ['data', 'end', 'drain', 'error', 'timeout', 'close'].flatMap((event) => socket.listeners(event));
    expect(left.filter(({ name }) => /socketOn/.test(name))).toEqual([]);
    socket.write('data: 1\n\n');
    socket.end('data: 2\n\n');
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  let text = '';
  client.on('data', (chunk) => (text += chunk.toString()));
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(client, 'close');
  await begun;
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text.split('\r\n\r\n')[1]).toBe('data: 1\n\ndata: 2\n\n');
});

test('what its reader is sent has nothing to do with Node’s stream', async () => {
  const { open, publish } = await createRelayWorld(start);
  const accepted = acceptedSockets();
  const reader = await open();
  await reader.control('connected');
  const [socket] = accepted;
  const before = socket?.bytesWritten;
  await publish(eventOf('1'));
  expect(await reader.ids(1)).toEqual(['1']);
  expect(socket?.bytesWritten).toBe(before);
});

test('a request that comes behind a stream’s, or with it, is not answered within the stream', async () => {
  const { relay, path, publish, stat } = await createRelayWorld(start);
  for (const together of [true, false]) {
    const client = connect(Number(new URL(relay.url).port), '127.0.0.1');
    const closed = once(client, 'close');
    let text = '';
    const connected = new Promise<void>((resolve) => {
      client.on('data', (chunk) => {
        text += chunk.toString();
        if (text.includes('event: connected')) resolve();
      });
    });
    client.on('error', () => undefined);
    const other = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n${together ? other : ''}`);
    if (together) {
      // Its reader is one that asks for more than there is: it may have its stream, or none.
      await Promise.race([connected, closed]);
      client.destroy();
    } else {
      await connected;
      client.write(other);
    }
    await closed;
    expect(text).not.toContain('"status":"ok"');
  }
  await expect.poll(async () => (await stat())['subscribers']).toBe(0);
  await publish(eventOf('1'));
});

test('a stream that is asked for before the answer ahead of it has ended begins behind that', async () => {
  const { relay, path, publish } = await createRelayWorld(start);
  await publish(eventOf('1'));
  const client = connect(Number(new URL(relay.url).port), '127.0.0.1');
  onTestFinished(() => void client.destroy());
  // Held back for news, of which there are none, while the stream's answer is made.
  const waiting = `GET ${path}?after=latest&wait=1 HTTP/1.1\r\nHost: x\r\n\r\n`;
  client.write(`${waiting}GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`);
  let text = '';
  client.on('data', (chunk) => (text += chunk.toString()));
  await expect.poll(() => text).toContain('event: connected');
  expect(text.split('HTTP/1.1 200 OK')).toHaveLength(3);
  await publish(eventOf('2'));
  await expect.poll(() => text).toContain('"id":"2"');
});
