// Ten thousand readers that wait: each costs little, and each hears what comes.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { note, post } from '../src/http.ts';
import { expect, test } from '../src/test.ts';

const readers = 10_000;
/** As many as a listening socket holds before it is asked for them, with room to spare. */
const atOnce = 100;

test('ten thousand idle readers are held, and an event reaches every one of them @slow', async ({ relay }) => {
  test.setTimeout(180_000);
  const sockets: Socket[] = [];
  const heard = new Set<Socket>();
  for (let begin = 0; begin < readers; begin += atOnce) {
    sockets.push(...(await Promise.all(Array.from({ length: atOnce }, () => read(relay.url, heard)))));
  }
  const stat = async (): Promise<unknown> => (await fetch(`${relay.url}/v1/channels/idle`)).json();
  await expect.poll(stat).toMatchObject({ subscribers: readers });
  await post(relay.url, 'idle', [note('alice', 1)]);
  await expect.poll(() => heard.size).toBe(readers);
  await expect.poll(stat).toMatchObject({ delivered: readers, queueDepth: 0 });
  for (const socket of sockets) socket.destroy();
  await expect.poll(stat).toMatchObject({ subscribers: 0 });
});

async function read(url: string, heard: Set<Socket>): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write('GET /v1/channels/idle/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  socket.setEncoding('latin1').on('data', (chunk) => {
    if (String(chunk).includes('"alice-1"')) heard.add(socket);
  });
  await once(socket, 'data');
  return socket;
}
