// What happens to NATS while relays use it: killed, cut off, frozen, set back, full, and set up wrong.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure, worldOf } from '@godwit/core';
import { createTestWorld, gather } from '@godwit/core/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { nkeys } from '@nats-io/transport-node';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createJetStreams, type JetStreams } from '../../src/nats/jetstream.ts';
import type { NatsOptions } from '../../src/nats/options.ts';
import { streamNames } from '../../src/nats/names.ts';
import type { StoredHead, StoredMessage, Stream, Streams } from '../../src/nats/stream.ts';
import { networkTo } from '../mqtt/broker.ts';
import { folder } from '../relay.ts';
import { copyOf, natsCluster, natsPort, natsServer, type NatsServer, type NatsServerOptions } from './server.ts';

const body = new TextEncoder().encode('what it says');
/** Long enough for whatever NATS waits for itself. */
const patience = { timeout: 60_000, interval: 50 };

async function serverFor(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await natsServer(options);
  onTestFinished(() => server.end());
  await server.start();
  return server;
}

async function clusterFor(): Promise<readonly NatsServer[]> {
  const servers = await natsCluster();
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.end()))));
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}

async function connect(options: NatsOptions): Promise<JetStreams> {
  const streams = await createJetStreams(options, { world: worldOf(globalThis), tell: () => undefined });
  onTestFinished(() => streams.close());
  return streams;
}

/** What stands in a stream where somebody has been told so. */
interface Written {
  readonly acknowledged: Map<number, string>;
  /** Resolves when there are so many more. */
  more(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A relay that appends without end, each time something else, and goes on as soon as it can. */
function write(streams: Streams, name: string, who: string): Written {
  const acknowledged = new Map<number, string>();
  const stream = streams.stream(name);
  const stopping = new AbortController();
  let tries = 0;
  const writing = (async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const head = JSON.stringify({ who, of: (tries += 1) });
      try {
        const number = await stream.append({ head, body }, (await stream.newest())?.number ?? 0);
        if (number !== undefined) acknowledged.set(number, head);
      } catch (error) {
        expect(error).toMatchObject({ name: 'StorageFailed', details: { retryAfterMs: expect.any(Number) } });
        await vi.waitUntil(() => isAnswered(stream.newest()), patience);
      }
    }
  })();
  return {
    acknowledged,
    async more(count) {
      const before = acknowledged.size;
      await vi.waitUntil(() => acknowledged.size >= before + count, patience);
    },
    async stop() {
      stopping.abort();
      await writing;
    },
  };
}

function isAnswered(asked: Promise<unknown>): Promise<boolean> {
  return asked.then(
    () => true,
    () => false,
  );
}

async function heads(stream: Stream): Promise<readonly StoredHead[]> {
  const all: StoredHead[] = [];
  for await (const head of stream.heads(1)) all.push(head);
  return all;
}

/** Whatever was acknowledged stands where it was said to; nothing stands twice; and who followed heard just that. */
async function verify(stream: Stream, writers: readonly Written[], told: readonly StoredMessage[]): Promise<void> {
  await Promise.all(writers.map((writer) => writer.stop()));
  const all = await vi.waitFor(() => heads(stream), patience);
  expect(all.map(({ number }) => number)).toEqual(all.map((_, index) => index + 1));
  expect(new Set(all.map(({ head }) => head)).size).toBe(all.length);
  const byNumber = new Map(all.map(({ number, head }) => [number, head]));
  const acknowledged = writers.flatMap((writer) => [...writer.acknowledged]);
  expect(new Set(acknowledged.map(([number]) => number)).size).toBe(acknowledged.length);
  expect(acknowledged.filter(([number, head]) => byNumber.get(number) !== head)).toEqual([]);
  await vi.waitUntil(() => told.length >= all.length, patience);
  expect(told.map(({ number, head }) => ({ number, head }))).toEqual(all);
}

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

test('a server that is full says so', async () => {
  const server = await serverFor({ room: '1MB' });
  const stream = (await connect({ servers: server.url })).stream('room');
  await stream.create('room');
  const large = { head: '{}', body: new Uint8Array(300_000) };
  const fill = async (): Promise<void> => {
    for (let behind = 0; ; behind += 1) await stream.append(large, behind);
  };
  await expect(fill()).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('is full'),
    details: { retryAfterMs: 15_000 },
  });
  const held = (await stream.newest())?.number ?? 0;
  await stream.drop(held);
  expect(await stream.append(large, held)).toBe(held + 1);
});

test('more replicas than there are servers are refused with the reason', async () => {
  const server = await serverFor();
  const streams = await connect({ servers: server.url, replicas: 3 });
  await expect(streams.stream('room').create('room')).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('too few servers for so many replicas'),
  });
});

test('who has the wrong secret is not let in, and is told so without it', async () => {
  const user = nkeys.createUser();
  const seed = new TextDecoder().decode(user.getSeed());
  const users = `authorization { users: [ { user: alice, password: "of alice" }, { nkey: "${user.getPublicKey()}" } ] }`;
  const server = await serverFor({ more: users });
  const other = new TextDecoder().decode(nkeys.createUser().getSeed());
  for (const wrong of [{}, { user: 'alice', password: 'of mallory' }, { token: 'of mallory' }, { nkeySeed: other }]) {
    const refused = await connect({ servers: server.url, ...wrong }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      name: 'Unauthenticated',
      message: expect.stringContaining('does not let the relay in'),
    });
    expect(JSON.stringify(refused) + String(refused)).not.toMatch(/mallory|SU[A-Z]/);
  }
  for (const right of [{ user: 'alice', password: 'of alice' }, { nkeySeed: seed }]) {
    await (await connect({ servers: server.url, ...right })).ready();
  }
  const withToken = await serverFor({ more: 'authorization { token: "of all" }' });
  await (await connect({ servers: withToken.url, token: 'of all' })).ready();
});

test('with TLS, the server is believed whose certificate counts, and no other', async () => {
  const [data, port] = [await folder(), await natsPort()];
  const [certFile, keyFile] = [join(data, 'cert.pem'), join(data, 'key.pem')];
  const subject = ['-subj', '/CN=nats', '-addext', 'subjectAltName=DNS:localhost'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  await promisify(execFile)('openssl', ['req', '-x509', '-days', '2', ...key, '-out', certFile, ...subject]);
  await serverFor({ port, more: `tls { cert_file: "${certFile}", key_file: "${keyFile}" }` });
  const believing = { servers: `tls://localhost:${port}`, tls: { caFile: certFile } };
  await (await connect(believing)).ready();
  const world = createTestWorld();
  let outcome: unknown;
  const doubting = { servers: `tls://localhost:${port}` };
  createJetStreams(doubting, { world, tell: () => undefined }).catch((error: unknown) => (outcome = error));
  await vi.waitUntil(async () => (await world.advance(200), outcome !== undefined), patience);
  expect(outcome).toMatchObject({ name: 'Unreachable', message: expect.stringContaining('self-signed certificate') });
});

test('what a user may not do is named', async () => {
  const as = { user: 'alice', password: 'of alice' };
  const noJetStream = await denying('$JS.API.>');
  await expect(connect({ servers: noJetStream.url, ...as })).rejects.toMatchObject({
    name: 'Forbidden',
    message: expect.stringContaining('does not let this user publish to $JS.API.INFO'),
  });
  const noLogs = await denying('godwit.log.>');
  const stream = (await connect({ servers: noLogs.url, ...as })).stream('room');
  await stream.create('room');
  await expect(stream.append({ head: '{}', body }, 0)).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('does not let this user publish to godwit.log.'),
  });
});

test('JetStream that is off is told as that', async () => {
  const server = await serverFor({ jetstream: false });
  await expect(connect({ servers: server.url })).rejects.toMatchObject({
    name: 'Unsupported',
    message: expect.stringContaining('JetStream is off'),
  });
});

test('a server that is not there is waited for some seconds, and then is told of', async () => {
  const world = createTestWorld();
  const port = await natsPort();
  const servers = `nats://127.0.0.1:${port}`;
  let outcome: unknown;
  createJetStreams({ servers }, { world, tell: () => undefined }).catch((error: unknown) => (outcome = error));
  await vi.waitUntil(async () => (await world.advance(200), outcome !== undefined), patience);
  expect(outcome).toMatchObject({
    name: 'Unreachable',
    message: expect.stringContaining(`${servers} does not answer`),
  });
  expect(world.timers).toBe(0);
});

test('a server that starts with the relay is found', async () => {
  const server = await natsServer();
  onTestFinished(() => server.end());
  const connecting = connect({ servers: server.url });
  await server.start();
  await (await connecting).ready();
});

/** A server whose user alice may not publish there. */
function denying(subject: string): Promise<NatsServer> {
  const alice = `{ user: alice, password: "of alice", permissions: { publish: { deny: "${subject}" } } }`;
  return serverFor({ more: `authorization { users: [ ${alice} ] }` });
}

function unexpected(): void {
  throw new Error('the stream is not gone');
}
