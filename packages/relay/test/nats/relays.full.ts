// Relays of a cluster on a real NATS server: the law of logs, the whole protocol, and what becomes of it all when processes are killed.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { worldOf } from '@godwit/core';
import { logContract } from '@godwit/core/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { natsCluster as clusterBy } from '../../src/nats/index.ts';
import { createJetStreams } from '../../src/nats/jetstream.ts';
import { openClusterLogs, type ClusterLogs } from '../../src/nats/logs.ts';
import { relayContract } from '../../src/testing/index.ts';
import { publishTo, readOf } from '../cluster.ts';
import { runRelay } from '../command.ts';
import { folder, start } from '../relay.ts';
import { natsServer, type NatsServer } from './server.ts';

let server: NatsServer;
let clusters = 0;

beforeAll(async () => {
  server = await natsServer();
  await server.start();
});
afterAll(() => server.end());

/** A cluster of its own on the one server. */
const options = (): { readonly servers: string; readonly prefix: string } => {
  clusters += 1;
  return { servers: server.url, prefix: `test-${clusters}` };
};

logContract('of a cluster, on JetStream', async () => {
  const [world, its] = [worldOf(globalThis), options()];
  const open = async (): Promise<ClusterLogs> => {
    const streams = await createJetStreams(its, { world, tell: () => undefined });
    return openClusterLogs({ streams, world, report: () => undefined });
  };
  let logs = await open();
  return {
    logs,
    close: () => logs.close(),
    async reopen() {
      await logs.close();
      logs = await open();
      return logs;
    },
  };
});

relayContract('of a cluster, by NATS', (how) => start(how, { cluster: clusterBy(options()) }));

test('relays and NATS are killed under load: what was acknowledged is there once, and in one order for all', async () => {
  const file = join(await folder(), 'nats.json');
  await writeFile(file, JSON.stringify(options()));
  const data = [await folder(), await folder()];
  const run = (index: number) =>
    runRelay('--port=0', `--data=${data[index]}`, '--insecure', `--nats=${file}`, '--durability=os');
  const relays = [run(0), run(1)];
  const acknowledged = new Map<string, string>();
  const over = new AbortController();
  const publish = async (who: number): Promise<void> => {
    for (let [count, tries] = [0, 0]; !over.signal.aborted; tries += 1) {
      const id = `${who}.${count}`;
      try {
        // The other one, where the first is gone: it may have been stored by that.
        const [offset = ''] = await publishTo((await relays[tries % 2]?.ready) ?? '', 'room', id);
        acknowledged.set(id, offset);
        count += 1;
      } catch {
        // Not there now, or NATS is not.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  await Promise.all(relays.map(({ ready }) => ready));
  const publishing = [publish(0), publish(1), publish(2)];
  const grown = async (): Promise<void> => {
    const before = acknowledged.size;
    await expect.poll(() => acknowledged.size, { timeout: 25_000 }).toBeGreaterThan(before + 100);
  };
  await grown();
  relays[0]?.child.kill('SIGKILL');
  await grown();
  relays[0] = run(0);
  await relays[0].ready;
  await server.kill();
  await server.start();
  await grown();
  relays[1]?.child.kill('SIGTERM');
  expect(await relays[1]?.ended).toBe(0);
  relays[1] = run(1);
  await relays[1].ready;
  await grown();
  over.abort();
  await Promise.all(publishing);
  const orders: string[][] = [];
  for (const { ready } of relays) {
    const reader = await readOf(await ready, 'room', '?after=earliest');
    const events = await reader.events(acknowledged.size);
    await reader.cancel();
    orders.push(events.map(({ id, data }) => `${id} ${String(data?.['id'])}`));
  }
  const [order = [], other] = orders;
  expect(other).toEqual(order);
  expect(new Set(order).size).toBe(order.length);
  expect(order.sort()).toEqual([...acknowledged].map(([id, offset]) => `${offset} ${id}`).sort());
}, 120_000);
