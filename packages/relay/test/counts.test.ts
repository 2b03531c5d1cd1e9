// What passed a reader is delivered, filtered, dropped, or still waits: whatever the transport.
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createRelayWorld, eventOf, ids, readFrames } from '../src/testing/index.ts';
import { start } from './relay.ts';

const create = () => createRelayWorld(start);
/** Some 13 MB go through JSON, a disk and a socket, on a machine that does other things too. */
const patienceMs = 120_000;

test('5.1 each transport counts what it hands over, and nothing else', { timeout: patienceMs }, async () => {
  const { publish, open, connect: socket, get, stat, relay, channel } = await create();
  const path = `/v1/channels/${channel}/events`;
  const stream = await open();
  const many = readFrames(
    await relay.fetch(`${relay.url}/v1/events?channel=${channel}&channel=other&type=order.*`, {
      headers: { accept: 'text/event-stream' },
    }),
  );
  const live = await socket();
  await Promise.all([stream.control('connected'), many.control('connected'), many.control('connected')]);
  await live.next();
  const poll = get(`${path}?wait=30`);
  await expect.poll(async () => (await stat())['subscribers']).toBe(3);
  await publish(eventOf('1'));
  expect(await (await poll).json()).toHaveLength(1);
  await publish(...ids(2, 9).map((id) => eventOf(id)), eventOf('10', { type: 'order.placed' }));
  await Promise.all([stream.ids(10), live.ids(10), many.ids(1)]);
  const counted = { stream: [10, 0], socket: [10, 0], many: [1, 9], poll: [1, 0] };
  // A page is a reader's too; its head alone hands nothing over.
  await get(`${path}?after=earliest&limit=5`);
  await relay.fetch(`${relay.url}${path}?after=earliest&limit=5`, { method: 'HEAD' });
  expect(await (await get(`${path}?after=earliest&type=order.*`)).json()).toHaveLength(1);
  const pages = { page: [5, 0], rare: [1, 9] };
  const all = Object.values({ ...counted, ...pages });
  const sum = (at: number): number => all.reduce((total, its) => total + (its[at] ?? 0), 0);
  await expect
    .poll(stat)
    .toMatchObject({ published: 10, delivered: sum(0), filtered: sum(1), dropped: {}, queueDepth: 0 });
});

test(
  '5.1 what waited for a reader of many channels that went is counted as detached',
  { timeout: patienceMs },
  async () => {
    const { publish, stat, relay, channel } = await create();
    const socket = connect(Number(new URL(relay.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.pause();
    socket.write(`GET /v1/events?channel=${channel}&channel=other HTTP/1.1\r\nHost: x\r\n\r\n`);
    await expect.poll(async () => (await stat())['subscribers']).toBe(1);
    // More than a connection takes that nobody reads.
    const data = 'x'.repeat(100_000);
    const [posts, each] = [14, 9];
    const all = [...ids(1, posts * each)];
    while (all.length > 0) await publish(...all.splice(0, each).map((id) => eventOf(id, { data })));
    const before = await stat();
    expect(Number(before['queueDepth'])).toBeGreaterThan(0);
    expect(Number(before['delivered']) + Number(before['queueDepth'])).toBe(posts * each);
    socket.destroy();
    await expect.poll(stat).toMatchObject({
      subscribers: 0,
      queueDepth: 0,
      delivered: before['delivered'],
      dropped: { detached: before['queueDepth'] },
    });
  },
);
