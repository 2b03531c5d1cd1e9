// To whom it connects, and how little it takes from a receiver that means no good.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isPublic } from './address.ts';
import { createSend, type Resolve } from './send.ts';

const delivery = { headers: { 'webhook-id': 'msg_1' }, body: '{}', signal: new AbortController().signal };

/** A receiver of bytes. */
async function listen(answer: (socket: Socket) => void) {
  let taken = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    taken += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, taken: () => taken };
}

function leadingTo(...addresses: readonly string[]): Resolve {
  return (_, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
}

test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '169.254.169.254', 'fe80::1', '::ffff:7f00:1'])(
  'a name that leads to %s is not followed there',
  async (address) => {
    const { port, taken } = await listen((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
    const send = createSend({ allowsPrivate: false, resolve: leadingTo(address) });
    const sent = send({ ...delivery, url: `http://receiver.example:${port}/` });
    await expect(sent).rejects.toMatchObject({
      name: 'Forbidden',
      message: expect.stringContaining('leads to a private network'),
    });
    expect(taken()).toBe(0);
  },
);

test('an address in the URL itself is checked as well, though nobody looks it up', async () => {
  const { port, taken } = await listen((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  const send = createSend({ allowsPrivate: false });
  for (const host of ['127.0.0.1', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]']) {
    await expect(send({ ...delivery, url: `http://${host}:${port}/` })).rejects.toMatchObject({ name: 'Forbidden' });
  }
  expect(taken()).toBe(0);
});

test('of an answer only its head is read, however long its body is', async () => {
  let isLetGo = (): void => undefined;
  const letGo = new Promise<void>((resolve) => (isLetGo = resolve));
  const { port } = await listen((socket) => {
    socket.write('HTTP/1.1 429 Slow down\r\nRetry-After: 60\r\nContent-Length: 100000000000\r\n\r\n');
    const chunk = Buffer.alloc(64 * 1024);
    const go = (): void => {
      while (!socket.destroyed && socket.write(chunk)) continue;
    };
    socket.on('drain', go).once('close', isLetGo);
    go();
  });
  const send = createSend({ allowsPrivate: true });
  expect(await send({ ...delivery, url: `http://127.0.0.1:${port}/` })).toEqual({ status: 429, retryAfter: '60' });
  await letGo;
});

test.each([
  ['headers without end', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}`],
  ['what is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['nothing', ''],
])('a receiver that answers %s is unreachable', async (_, bytes) => {
  const { port } = await listen((socket) => socket.end(bytes));
  const send = createSend({ allowsPrivate: true });
  await expect(send({ ...delivery, url: `http://127.0.0.1:${port}/` })).rejects.toMatchObject({ name: 'Unreachable' });
});

test('a delivery ends when its time is over', async () => {
  const abort = new AbortController();
  const { port } = await listen(() => abort.abort());
  const send = createSend({ allowsPrivate: true });
  await expect(send({ ...delivery, url: `http://127.0.0.1:${port}/`, signal: abort.signal })).rejects.toThrow();
});

test.each([
  ['93.184.216.34', true],
  ['8.8.8.8', true],
  ['172.15.255.255', true],
  ['172.16.0.0', false],
  ['172.31.255.255', false],
  ['172.32.0.0', true],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['2606:4700::1111', true],
  ['::ffff:8.8.8.8', true],
  ['::ffff:10.0.0.1', false],
  ['2001:db8::1', false],
  ['2002:7f00:1::', false],
  ['64:ff9b::7f00:1', false],
  ['::127.0.0.1', false],
  ['ff02::1', false],
  ['fd00::1', false],
  ['example.com', false],
  ['', false],
])('the address %j is of the public Internet: %s', (address, expected) => {
  expect(isPublic(address)).toBe(expected);
});
