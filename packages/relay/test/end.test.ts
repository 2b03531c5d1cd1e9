// How long a relay may take to end, where nobody lets it: the clock is the test's, so these are in a file of their own.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { mqttBridge } from '../src/mqtt/index.ts';
import { createRelayWorld, eventOf, webhooksOf } from '../src/testing/index.ts';
import { start } from './relay.ts';

/** A server that answers what it is told to, and nothing else ever, not even an end. */
async function hanging(
  answer: (bytes: Buffer) => Buffer | undefined,
): Promise<{ readonly port: number; heard: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      its.heard += 1;
      const said = answer(bytes);
      if (said !== undefined) socket.write(said);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const its = { port: (server.address() as AddressInfo).port, heard: 0 };
  return its;
}

/** From now on no time passes but what a test lets pass. */
function holdTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Ends a relay, and lets so much time pass, and no more: what waits for more waits for ever. */
async function endsWithin(ms: number, relay: { close(): Promise<void> }): Promise<void> {
  const ended = relay.close();
  await vi.advanceTimersByTimeAsync(ms);
  await ended;
}

test('a relay ends within 5 s where a request and the receiver of a webhook both hang', async () => {
  const world = await createRelayWorld((its) => start(its, { allowPrivateWebhooks: true }));
  const receiver = await hanging(() => undefined);
  holdTime();
  await webhooksOf(world).register(`http://127.0.0.1:${receiver.port}/`);
  await world.publish(eventOf('1'));
  await expect.poll(() => receiver.heard).toBe(1);
  const { hostname, port } = new URL(world.relay.url);
  const posting = connect(Number(port), hostname);
  onTestFinished(() => void posting.destroy());
  posting.on('error', () => undefined);
  posting.write(
    `POST ${world.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/cloudevents+json\r\n` +
      'Expect: 100-continue\r\nContent-Length: 2\r\n\r\n',
  );
  await once(posting, 'data');
  await endsWithin(5000, world.relay);
});

test('a relay ends within 5 s where the broker of its bridge hangs', async () => {
  // CONNACK, and SUBACK for the one filter.
  const broker = await hanging(([kind = 0, , high = 0, low = 0]) => {
    if (kind >> 4 === 1) return Buffer.from([0x20, 2, 0, 0]);
    return kind >> 4 === 8 ? Buffer.from([0x90, 3, high, low, 1]) : undefined;
  });
  holdTime();
  const bridges = [mqttBridge({ url: `mqtt://127.0.0.1:${broker.port}`, in: { a: 'a' } })];
  const relay = await start({}, { bridges });
  await expect.poll(() => broker.heard).toBeGreaterThan(1);
  await endsWithin(5000, relay);
});
