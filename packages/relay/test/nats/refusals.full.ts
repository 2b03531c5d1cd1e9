// What NATS refuses, and how that is told: full, not allowed, not there, or set up wrong.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTestWorld } from '@godwit/core/testing';
import { nkeys } from '@nats-io/transport-node';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createJetStreams } from '../../src/nats/jetstream.ts';
import { folder } from '../relay.ts';
import { natsPort, natsServer, type NatsServer } from './server.ts';
import { body, connect, patience, serverFor } from './writing.ts';

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
