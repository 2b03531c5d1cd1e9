// What passed a reader is delivered, filtered, dropped, or still waits: also where it reads many channels, and goes.
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createRelayWorld, eventOf, ids } from '../src/testing/index.ts';
import { start } from './relay.ts';

const create = () => createRelayWorld(start);
/** Some 13 MB go through JSON, a disk and a socket, on a machine that does other things too. */
const patienceMs = 120_000;

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
