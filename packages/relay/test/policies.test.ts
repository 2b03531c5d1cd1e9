// What a reader chooses for ephemeral events that it is too slow for is the same choice on every transport, told and counted alike.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createRelayWorld, eventOf, ids, type RelayWorld } from '../src/testing/index.ts';
import { start } from './relay.ts';

/** Some megabytes go through connections that nobody reads, on a machine that does other things too. */
const patienceMs = 120_000;
/** Beyond what any platform takes for a reader: its connection's buffers are full long before. */
const roundsMax = 1000;
const perRound = 9;

const transports = {
  stream: (channel: string, policy: string) => asking(`/v1/channels/${channel}/events?ephemeral=${policy}`),
  'stream of many channels': (channel: string, policy: string) =>
    asking(`/v1/events?channel=${channel}&channel=${channel}:2&ephemeral=${policy}`),
  socket: (channel: string, policy: string) =>
    asking(
      `/v1/channels/${channel}/socket?ephemeral=${policy}`,
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    ),
};
const cases = Object.entries(transports);

test.each(cases)('a %s that asks for it is ended, and told why', { timeout: patienceMs }, async (name, request) => {
  const world = await createRelayWorld(start);
  const { socket, text } = await stalled(world, request(world.channel, 'disconnect'));
  let rounds = 0;
  while (await isRead(world)) await publish(world, (rounds += 1));
  const closed = once(socket, 'close');
  socket.resume();
  // A socket says so, and waits for an answer (RFC 6455, section 5.5.1: a close frame begins with its code).
  if (name === 'socket') await expect.poll(() => text().includes('\u0003\u00f0too slow')).toBe(true);
  else await closed;
  expect(text()).toContain('"dropped":{"overflow":1}');
  const { delivered, dropped, queueDepth } = await numbers(world);
  const { overflow = 0, detached = 0 } = dropped;
  expect([overflow, queueDepth]).toEqual([1, 0]);
  expect(text().split('"ephemeral":true')).toHaveLength(delivered + 1);
  // Up to the one that was too many, which is of the last round.
  expect(Math.ceil((delivered + overflow + detached) / perRound)).toBe(rounds);
});

test.each(cases)('a %s that asks for it gets the newest of each key', { timeout: patienceMs }, async (_, request) => {
  const world = await createRelayWorld(start);
  const { socket, text } = await stalled(world, request(world.channel, 'latest'));
  let rounds = 0;
  const superseded = async (): Promise<number> => (await numbers(world)).dropped['superseded'] ?? 0;
  while (rounds < roundsMax && (await superseded()) < 100) await publish(world, (rounds += 1));
  const lost = await superseded();
  expect(lost).toBeGreaterThanOrEqual(100);
  socket.resume();
  await expect.poll(() => text().includes(`"dropped":{"superseded":${lost}}`)).toBe(true);
  await expect
    .poll(() => numbers(world))
    .toMatchObject({ delivered: rounds * perRound - lost, dropped: { superseded: lost }, queueDepth: 0 });
  // The last of each of the three.
  for (const id of [7, 8, 9]) await expect.poll(() => text().includes(`"id":"${rounds}:${id}"`)).toBe(true);
});

test.each(cases)(
  'a %s that says nothing loses the newest, and is told how many',
  { timeout: patienceMs },
  async (_, request) => {
    const world = await createRelayWorld(start);
    const { socket, text } = await stalled(world, request(world.channel, ''));
    let rounds = 0;
    const overflow = async (): Promise<number> => (await numbers(world)).dropped['overflow'] ?? 0;
    while (rounds < roundsMax && (await overflow()) < 100) await publish(world, (rounds += 1));
    const lost = await overflow();
    expect(lost).toBeGreaterThanOrEqual(100);
    // What is stored waits for it, in the log.
    await world.publish(...ids(1, 3).map((id) => eventOf(id)));
    socket.resume();
    await expect.poll(() => text().includes(`"dropped":{"overflow":${lost}}`)).toBe(true);
    for (const id of ids(1, 3)) await expect.poll(() => text().includes(`"id":"${id}"`)).toBe(true);
    const delivered = rounds * perRound - lost;
    await expect
      .poll(() => numbers(world))
      .toMatchObject({ delivered: delivered + 3, dropped: { overflow: lost }, queueDepth: 0 });
    expect(text().split('"ephemeral":true')).toHaveLength(delivered + 1);
  },
);

test.each(cases)(
  'a %s that is trimmed past is told how many it missed, and reads on',
  { timeout: patienceMs },
  async (_, request) => {
    const world = await createRelayWorld(start, { limits: { retentionEvents: 64, ringBytes: 100_000 } });
    const { socket, text } = await stalled(world, request(world.channel, ''));
    const data = 'x'.repeat(50_000);
    let published = 0;
    while ((await numbers(world)).queueDepth < 200) {
      await world.publish(...ids(published + 1, published + perRound).map((id) => eventOf(id, { data })));
      published += perRound;
    }
    socket.resume();
    await expect.poll(() => text().includes(`"id":"${published}"`)).toBe(true);
    const told = [...text().matchAll(/"missed":(\d+),"reason":"retention"/g)];
    const missed = told.reduce((sum, [, count]) => sum + Number(count), 0);
    expect(missed).toBeGreaterThan(0);
    const seen = [...text().matchAll(/"sequence":"(\d+)"/g)].map(([, sequence]) => Number(sequence));
    expect(seen).toHaveLength(published - missed);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
    expect(await numbers(world)).toMatchObject({
      delivered: published - missed,
      dropped: { retention: missed },
      queueDepth: 0,
    });
  },
);

function asking(path: string, headers = 'Accept: text/event-stream\r\n'): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
}

/** A reader that has begun, and takes nothing until it is told to. */
async function stalled(world: RelayWorld, request: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(Number(new URL(world.relay.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk)).on('error', () => undefined);
  socket.pause();
  socket.write(request);
  await expect.poll(() => isRead(world)).toBe(true);
  return { socket, text: () => Buffer.concat(chunks).toString('latin1') };
}

async function isRead(world: RelayWorld): Promise<boolean> {
  return (await world.stat())['subscribers'] !== 0;
}

/** Three keys, and three of each. */
async function publish(world: RelayWorld, round: number): Promise<void> {
  const data = 'x'.repeat(50_000);
  const events = ids(1, perRound).map((id) =>
    eventOf(`${round}:${id}`, { ephemeral: true, subject: `${Number(id) % 3}`, data }),
  );
  await world.publish(...events);
}

interface Numbers {
  readonly delivered: number;
  readonly queueDepth: number;
  readonly dropped: Readonly<Record<string, number>>;
}

async function numbers(world: RelayWorld): Promise<Numbers> {
  const { delivered, queueDepth, dropped } = await world.stat();
  return { delivered: Number(delivered), queueDepth: Number(queueDepth), dropped: dropped as Record<string, number> };
}
