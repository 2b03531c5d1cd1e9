// Writes past Node's stream, on real connections: whatever the kernel takes, a reader gets every byte once, and in order.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createWriting } from './write-now.ts';

/** More than a connection takes that nobody reads. */
const chunk = Buffer.alloc(64 * 1024, 'x');

async function create(writing = createWriting()) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const reader = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  let drained = 0;
  let got = '';
  onTestFinished(() => {
    for (const its of [reader, socket]) its.destroy();
    server.close();
  });
  reader.setEncoding('utf8');
  const write = writing(socket, () => (drained += 1));
  return {
    socket,
    reader,
    write: (text: string | Buffer) => write(Buffer.from(text)),
    drained: () => drained,
    read: () => reader.on('data', (text) => (got += String(text))),
    got: () => got,
    /** Writes until there is no room; answers how often. */
    fill() {
      let times = 1;
      while (write(chunk)) times += 1;
      return times;
    },
  };
}

const cases = [
  ['past the stream', createWriting()],
  ['by the stream, where Node has nothing to pass it by', createWriting(() => undefined)],
] as const;

test.each(cases)('%s, bytes arrive in order, also where the kernel had no room for them', async (_, writing) => {
  const { write, fill, read, got, drained, socket } = await create(writing);
  expect(write('first ')).toBe(true);
  const times = fill();
  // Without room, too: as frames that end a stream are written.
  write('late ');
  expect(drained()).toBe(0);
  read();
  await expect.poll(drained).toBeGreaterThan(0);
  expect(write('then ')).toBe(true);
  socket.end('last');
  await once(socket, 'finish');
  await expect.poll(got).toMatch(/last$/);
  expect(got().replace(/x+/, (all) => `${all.length} `)).toBe(`first ${times * chunk.length} late then last`);
});

test('what nobody waits for leaves the stream as it is, and what the stream has yet to write stays ahead', async () => {
  const { write, socket, read, got } = await create();
  write('first ');
  expect([socket.writableLength, socket.writableEnded]).toEqual([0, false]);
  socket.cork();
  socket.write('second ');
  write('third');
  socket.uncork();
  read();
  await expect.poll(got).toBe('first second third');
});

test('a connection whose reader has gone takes no more, and nobody is told of room', async () => {
  const { write, socket, reader, drained, fill } = await create();
  fill();
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  reader.resetAndDestroy();
  await closed;
  expect([write('x'), drained()]).toEqual([false, 0]);
});
