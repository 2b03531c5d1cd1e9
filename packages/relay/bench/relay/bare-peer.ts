// A bound: the least that a server on `node:http` does. It reads an event, writes it to each reader's socket, and answers;
// no log, no authority, no check, no cursor, and it waits for nobody slow. A process of its own.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';

const readers = new Map<string, Set<Socket>>();
let id = 0;
const server = createServer((request, response) => {
  const channel = request.url?.split('/').at(-1) ?? '';
  if (request.method === 'GET') subscribe(channel, request.socket, response);
  else void publish(channel, request).then(() => response.writeHead(202).end());
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

function subscribe(channel: string, socket: Socket, response: ServerResponse): void {
  const all = readers.get(channel) ?? new Set();
  readers.set(channel, all);
  all.add(socket);
  socket.once('close', () => all.delete(socket));
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
}

async function publish(channel: string, request: IncomingMessage): Promise<void> {
  const event = await text(request);
  JSON.parse(event);
  id += 1;
  const frame = Buffer.from(`id: ${id}\ndata: ${event}\n\n`);
  for (const socket of readers.get(channel) ?? []) socket.write(frame);
}
