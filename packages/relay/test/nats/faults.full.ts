// What happens to NATS while relays use it: killed, cut off, frozen, and set back.
import { Failure, worldOf } from '@godwit/core';
import { gather } from '@godwit/core/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createJetStreams } from '../../src/nats/jetstream.ts';
import { streamNames } from '../../src/nats/names.ts';
import type { StoredMessage } from '../../src/nats/stream.ts';
import { networkTo } from '../mqtt/broker.ts';
import { copyOf } from './server.ts';
import { body, clusterFor, connect, isAnswered, patience, serverFor, verify, write } from './writing.ts';

test(
  'a server that is killed while relays append keeps what it has acknowledged, and nothing twice',
  { timeout: 120_000 },
  async () => {
    const server = await serverFor();
    const [alices, bobs] = [await connect({ servers: server.url }), await connect({ servers: server.url })];
    await alices.stream('room').create('room');
    const told = gather<StoredMessage>();
    onTestFinished(bobs.stream('room').follow(1, told.add, unexpected));
    const writers = [write(alices, 'room', 'alice'), write(bobs, 'room', 'bob')];
    for (let time = 0; time < 3; time += 1) {
      await Promise.all(writers.map((writer) => writer.more(10)));
      await server.kill();
      await server.start();
    }
    await Promise.all(writers.map((writer) => writer.more(10)));
    await verify(alices.stream('room'), writers, told.items);
  },
);

test(
  'a cluster whose leader is killed goes on, keeps what it has acknowledged, and nothing twice',
  { timeout: 180_000 },
  async () => {
    const servers = await clusterFor();
    const urls = servers.map(({ url }) => url);
    const [alices, bobs] = [
      await connect({ servers: urls, replicas: 3 }),
      await connect({ servers: urls.toReversed(), replicas: 3 }),
    ];
    await alices.stream('room').create('room');
    const told = gather<StoredMessage>();
    onTestFinished(bobs.stream('room').follow(1, told.add, unexpected));
    const writers = [write(alices, 'room', 'alice'), write(bobs, 'room', 'bob')];
    await Promise.all(writers.map((writer) => writer.more(10)));
    const manager = await jetstreamManager(alices.connection);
    const { stream } = streamNames('godwit', 'room');
    // A majority without it has to hold everything, or nobody can be elected before it is back.
    const isWhole = async (): Promise<boolean> => {
      const { replicas = [] } = (await manager.streams.info(stream)).cluster ?? {};
      return replicas.length === 2 && replicas.every(({ current }) => current);
    };
    await vi.waitUntil(isWhole, patience);
    const { cluster } = await manager.streams.info(stream);
    const leader = servers.find(({ name }) => name === cluster?.leader);
    await leader?.kill();
    await Promise.all(writers.map((writer) => writer.more(10)));
    await leader?.start();
    await Promise.all(writers.map((writer) => writer.more(10)));
    expect(leader).toBeDefined();
    await vi.waitUntil(() => isAnswered(bobs.ready()), patience);
    await verify(alices.stream('room'), writers, told.items);
  },
);

test('a connection that is cut in the middle is found again, and loses nothing', { timeout: 120_000 }, async () => {
  const server = await serverFor();
  const network = await networkTo(server, 'nats');
  const [alices, bobs] = [await connect({ servers: network.url }), await connect({ servers: server.url })];
  await alices.stream('room').create('room');
  const told = gather<StoredMessage>();
  onTestFinished(alices.stream('room').follow(1, told.add, unexpected));
  const writers = [write(alices, 'room', 'alice'), write(bobs, 'room', 'bob')];
  for (let time = 0; time < 5; time += 1) {
    await Promise.all(writers.map((writer) => writer.more(5)));
    network.cut();
  }
  await Promise.all(writers.map((writer) => writer.more(5)));
  await verify(bobs.stream('room'), writers, told.items);
});

test(
  'a server that does not answer fails what is asked of it after some seconds, and its return is told',
  { timeout: 120_000 },
  async () => {
    const server = await serverFor();
    const streams = await connect({ servers: server.url });
    const stream = streams.stream('room');
    await stream.create('room');
    const returns = gather<void>();
    onTestFinished(streams.onReturn(returns.add));
    server.pause();
    const tries = [stream.append({ head: 'a', body }, 0), stream.newest(), streams.ready()];
    for (const outcome of await Promise.allSettled(tries)) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { name: 'StorageFailed', details: { retryAfterMs: 1000 } },
      });
    }
    // Asked once more, on account of those: it is away, and not one answer.
    await expect(streams.ready()).rejects.toMatchObject({ name: 'StorageFailed' });
    server.resume();
    await returns.until(1);
    await streams.ready();
    // It came late, and may have been taken all the same.
    await vi.waitUntil(async () => (await stream.newest())?.number === 1, patience);
  },
);

test('while there is no server what is asked fails at once', async () => {
  const server = await serverFor();
  const told = gather<string>();
  const streams = await createJetStreams(
    { servers: server.url },
    { world: worldOf(globalThis), tell: (error) => told.add(error instanceof Failure ? error.name : '') },
  );
  onTestFinished(() => streams.close());
  await server.kill();
  await told.until(1);
  await expect(streams.stream('room').newest()).rejects.toMatchObject({
    name: 'StorageFailed',
    message: `there is no connection to NATS at ${server.url} now: it is tried again and again`,
  });
  expect(told.items).toEqual(['Unreachable']);
});

test(
  'a server that comes back without its newest messages is told of, and nobody hears a number twice',
  { timeout: 120_000 },
  async () => {
    const server = await serverFor();
    const streams = await connect({ servers: server.url });
    const stream = streams.stream('room');
    await stream.create('room');
    const [told, returns] = [gather<StoredMessage>(), gather<void>()];
    onTestFinished(stream.follow(1, told.add, unexpected));
    onTestFinished(streams.onReturn(returns.add));
    for (const behind of [0, 1]) await stream.append({ head: 'old', body }, behind);
    await server.kill();
    const putBack = await copyOf(server);
    await server.start();
    await returns.until(1);
    for (const behind of [2, 3]) await stream.append({ head: 'lost', body }, behind);
    await told.until(4);
    await server.kill();
    await putBack();
    await server.start();
    await returns.until(2);
    expect(await stream.newest()).toEqual({ number: 2, head: 'old' });
    for (const behind of [2, 3, 4]) await stream.append({ head: 'new', body }, behind);
    const heard = (await told.until(5)).map(({ number, head }) => [number, head]);
    expect(heard).toEqual([
      [1, 'old'],
      [2, 'old'],
      [3, 'lost'],
      [4, 'lost'],
      [5, 'new'],
    ]);
  },
);

test(
  'messages that one server of a cluster has lost are told of, though the connection is to another',
  { timeout: 180_000 },
  async () => {
    const servers = await clusterFor();
    const anywhere = await connect({ servers: servers.map(({ url }) => url) });
    await anywhere.stream('room').create('room');
    const manager = await jetstreamManager(anywhere.connection);
    const { cluster } = await manager.streams.info(streamNames('godwit', 'room').stream);
    const holder = servers.find(({ name }) => name === cluster?.leader);
    const others = servers.filter((server) => server !== holder);
    const network = await networkTo(others[0] ?? { port: 0 }, 'nats');
    if (holder === undefined) throw new Error('no server holds the stream');
    const told: unknown[] = [];
    // NATS's client would go to whatever server it is told of.
    const streams = await createJetStreams(
      { servers: network.url },
      { world: worldOf(globalThis), tell: (error) => void told.push(error) },
    );
    onTestFinished(() => streams.close());
    const stream = streams.stream('room');
    const [heard, returns] = [gather<StoredMessage>(), gather<void>()];
    onTestFinished(stream.follow(1, heard.add, unexpected));
    await stream.append({ head: 'old', body }, 0);
    await heard.until(1);
    await holder.kill();
    const putBack = await copyOf(holder);
    await holder.start();
    await vi.waitUntil(() => isAnswered(stream.append({ head: 'lost', body }, 1)), patience);
    await heard.until(2);
    await holder.kill();
    await putBack();
    onTestFinished(streams.onReturn(returns.add));
    await holder.start();
    await returns.until(1);
    await vi.waitUntil(async () => (await stream.newest().catch(() => undefined))?.number === 1, patience);
    expect(told).toEqual([]);
  },
);

test(
  'a stream that is removed and made again while the connection is cut is gone to who follows it',
  { timeout: 60_000 },
  async () => {
    const server = await serverFor();
    const network = await networkTo(server, 'nats');
    const [alices, bobs] = [await connect({ servers: network.url }), await connect({ servers: server.url })];
    await bobs.stream('room').create('room');
    const [told, gone] = [gather<StoredMessage>(), gather<void>()];
    onTestFinished(alices.stream('room').follow(1, told.add, gone.add));
    await bobs.stream('room').append({ head: 'old', body }, 0);
    await told.until(1);
    const manager = await jetstreamManager(bobs.connection);
    const made = manager.streams
      .delete(streamNames('godwit', 'room').stream)
      .then(() => bobs.stream('room').create('again'));
    network.cut();
    await made;
    await gone.until(1);
    expect(told.items.length).toBe(1);
  },
);

function unexpected(): void {
  throw new Error('the stream is not gone');
}
