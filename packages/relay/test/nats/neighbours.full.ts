// Neighbours on a real server: Debian's nats-server.
import { worldOf } from '@godwit/core';
import { neighboursContract, type RelayNeighbours } from '@godwit/core/contracts';
import { gather } from '@godwit/core/testing';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect, onTestFinished, test } from 'vitest';
import { nearSubject } from '../../src/nats/names.ts';
import { natsNeighbours } from '../../src/nats/neighbours.ts';
import { natsServer } from './server.ts';

const world = worldOf(globalThis);

async function clusterOf() {
  const server = await natsServer();
  await server.start();
  const connections: NatsConnection[] = [];
  const told = gather<unknown>();
  const relay = async (prefix?: string): Promise<RelayNeighbours> => {
    const connection = await connect({ servers: server.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    connections.push(connection);
    return natsNeighbours(connection, { options: { servers: server.url, prefix }, world, tell: told.add });
  };
  const flush = async (): Promise<void> => void (await Promise.all(connections.map((each) => each.flush())));
  return {
    server,
    connections,
    told,
    relay: () => relay(),
    stranger: () => relay('others'),
    async settle() {
      // The server has what was said, and then whoever hears it has that.
      await flush();
      await flush();
    },
    async dispose() {
      await Promise.all(connections.map((connection) => connection.close()));
      await server.end();
    },
  };
}

neighboursContract('on a NATS server', clusterOf);

async function begin() {
  const cluster = await clusterOf();
  onTestFinished(() => cluster.dispose());
  const [alice, bob] = [(await cluster.relay())('room'), (await cluster.relay())('room')];
  const heard = gather<unknown>();
  onTestFinished(bob.hear(heard.add));
  await cluster.settle();
  return { ...cluster, alice, bob, heard };
}

test('whoever listens goes on after the server was away; what was said meanwhile is lost', async () => {
  const { server, connections, settle, alice, heard } = await begin();
  await server.kill();
  await expect.poll(() => connections.map(({ info }) => info)).toEqual([undefined, undefined]);
  for (const clientId of ['a', 'b']) alice.say({ kind: 'went', clientId });
  await server.start();
  await expect.poll(() => connections.every(({ info }) => info !== undefined)).toBe(true);
  await settle();
  alice.say({ kind: 'went', clientId: 'c' });
  expect(await heard.until(1)).toEqual([{ kind: 'went', clientId: 'c' }]);
});

test('what is too large is lost, and told of', async () => {
  const { alice, told } = await begin();
  alice.say({ kind: 'went', clientId: 'x'.repeat(1024 * 1024) });
  expect(await told.until(1)).toMatchObject([{ name: 'StorageFailed' }]);
});

test('what is damaged, or of nobody, is passed over, and a listener that throws harms nobody', async () => {
  const { connections, alice, bob, heard, told, settle } = await begin();
  onTestFinished(
    bob.hear(() => {
      throw new Error('a listener that throws');
    }),
  );
  await settle();
  connections[0]?.publish(nearSubject('godwit', 'room'), '{');
  alice.say({ kind: 'went', clientId: 'a' });
  expect(await heard.until(1)).toEqual([{ kind: 'went', clientId: 'a' }]);
  expect(await told.until(1)).toMatchObject([{ message: 'a listener that throws' }]);
  alice.say({ kind: 'went', clientId: 'b' });
  expect(await heard.until(2)).toHaveLength(2);
});

test('behind the end of the connection nothing is said or heard, and nothing thrown', async () => {
  const { connections, alice, told } = await begin();
  await connections[0]?.close();
  alice.say({ kind: 'went', clientId: 'a' });
  alice.hear(() => undefined)();
  expect(told.items).toEqual([]);
});
