// What a reading sends reaches its connection whole and in order, whichever way it goes, and no other connection.
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { SocketSink } from './socket-sink.ts';

const none = (): void => undefined;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test('what is sent goes out when the turn ends, in order', async () => {
  const { near, far } = await pair();
  const sink = new SocketSink(near, true, none);
  for (const text of ['two ', 'three ']) expect(sink.send(bytesOf(text))).toBe(true);
  // The first went when the second was sent; the second waits.
  near.write('four ');
  await Promise.resolve();
  sink.send(bytesOf('five'));
  sink.close();
  expect((await buffer(far)).toString()).toBe('two four three five');
});

test('the stream has nothing to do with what the system takes at once', async () => {
  const { near, far } = await pair();
  const sink = new SocketSink(near, true, none);
  sink.send(bytesOf('here'));
  const [first] = (await once(far, 'data')) as [Buffer];
  expect(first.toString()).toBe('here');
  expect(near.bytesWritten).toBe(0);
});

test.each([
  ['is not free', (socket: Socket): SocketSink => new SocketSink(socket, false, none)],
  [
    'is of a class of its own',
    (socket: Socket): SocketSink =>
      new SocketSink(Object.setPrototypeOf(socket, Other.prototype) as Socket, true, none),
  ],
])('a connection that %s is written to by its stream', async (_, sinkOf) => {
  const { near, far } = await pair();
  sinkOf(near).send(bytesOf('here'));
  const [first] = (await once(far, 'data')) as [Buffer];
  expect(first.toString()).toBe('here');
  expect(near.bytesWritten).toBe(4);
});

test('what its stream still holds goes before what is sent', async () => {
  const { near, far } = await pair();
  const sink = new SocketSink(near, true, none);
  near.cork();
  near.write('first ');
  sink.send(bytesOf('second'));
  near.uncork();
  sink.close();
  expect((await buffer(far)).toString()).toBe('first second');
});

test.each([
  ['small events', 800],
  ['blocks larger than its buffer', 1024 * 1024],
])('a reader that takes none of %s is told of in time, and later has every byte', async (_, size) => {
  const { near, far } = await pair();
  const sink = new SocketSink(near, true, none);
  const sent: Uint8Array[] = [];
  for (let isWelcome = true; isWelcome && sent.length < 100_000;) {
    const bytes = new Uint8Array(size).fill(sent.length);
    sent.push(bytes);
    isWelcome = sink.send(bytes);
    // Each in a turn of its own, as events come.
    await Promise.resolve();
    expect(near.writableNeedDrain).toBe(!isWelcome);
  }
  // What the system does not hold is the stream's, up to its bound and what was sent last.
  expect(near.writableLength).toBeLessThanOrEqual(near.writableHighWaterMark + size);
  const drained = once(near, 'drain');
  const had = buffer(far);
  await drained;
  sink.close();
  expect((await had).equals(Buffer.concat(sent))).toBe(true);
});

test('once a connection is closed, whoever gets its descriptor gets none of its bytes', async () => {
  const server = await listening();
  const first = await connected(server);
  const sink = new SocketSink(first.near, true, none);
  const sent = descriptorOf(first.near);
  sink.send(bytesOf('waits'));
  first.near.destroy();
  // The number is free again, and the next connection's.
  const others = [await connected(server), await connected(server)];
  expect(others.flatMap(({ near, far }) => [near, far]).map(descriptorOf)).toContain(sent);
  sink.send(bytesOf('late'));
  sink.close();
  for (const [from, to] of others.flatMap(({ near, far }) => [[near, far] as const, [far, near] as const])) {
    from.end('own');
    expect((await buffer(to)).toString()).toBe('own');
  }
});

class Other extends Socket {}

function descriptorOf(socket: Socket & { readonly _handle?: { readonly fd?: number } }): number | undefined {
  return socket._handle?.fd;
}

interface Pair {
  /** The relay's end. */
  readonly near: Socket;
  readonly far: Socket;
}

async function pair(): Promise<Pair> {
  return connected(await listening());
}

async function listening(): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

async function connected(server: Server): Promise<Pair> {
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [near] = (await once(server, 'connection')) as [Socket];
  for (const socket of [near, far]) {
    socket.on('error', none);
    onTestFinished(() => void socket.destroy());
  }
  return { near, far };
}
