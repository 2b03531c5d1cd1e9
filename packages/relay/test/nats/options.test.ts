// What a relay is told of NATS, and what is wrong with it.
import { worldOf } from '@godwit/core';
import { expect, test } from 'vitest';
import { createJetStreams } from '../../src/nats/jetstream.ts';
import { streamNames } from '../../src/nats/names.ts';
import { assertNatsOptions } from '../../src/nats/options.ts';

const servers = 'nats://127.0.0.1:4222';

const wrong: readonly (readonly [options: unknown, sentence: string])[] = [
  [[], 'they are an object'],
  [{}, '"servers" is a URL, or a list of them'],
  [{ servers: [] }, '"servers" is a URL, or a list of them'],
  ...['127.0.0.1:4222', 'http://127.0.0.1', 'nats://', 1].map(
    (url) => [{ servers: [servers, url] }, '"servers" are URLs as nats://127.0.0.1:4222'] as const,
  ),
  [{ servers: 'nats://alice:secret@127.0.0.1' }, 'say "user" and "password"'],
  ...['tls://127.0.0.1', 'tls://[::1]:4222'].map((url) => [{ servers: url }, 'by TLS have names'] as const),
  [{ servers, tls: {} }, 'by TLS have names'],
  [{ servers, url: servers }, 'there is no "url"'],
  [{ servers, user: 1 }, '"user" is text'],
  [{ servers, token: '' }, '"token" is text that is not empty'],
  [{ servers, password: 'secret' }, '"password" belongs to a "user"'],
  [{ servers, user: 'alice', token: 'secret' }, '"user" and "token" exclude each other'],
  ...['', 'a.b', 'a b', '*', '>', 'x'.repeat(33)].map((prefix) => [{ servers, prefix }, '"prefix"'] as const),
  ...[0, 6, 1.5, '3'].map((replicas) => [{ servers, replicas }, '"replicas" is a number from 1 to 5'] as const),
  [{ servers: 'tls://a', tls: true }, '"tls" is an object'],
  [{ servers: 'tls://a', tls: { rejectUnauthorized: false } }, '"tls" has no "rejectUnauthorized"'],
  [{ servers: 'tls://a', tls: { caFile: 1 } }, '"caFile" is the name of a file'],
];

test.each(wrong)('%j is refused: %s', (options, sentence) => {
  expect(() => assertNatsOptions(options)).toThrow(sentence);
});

test('no secret is in what is said', () => {
  for (const [options] of wrong) {
    try {
      assertNatsOptions(options);
    } catch (error) {
      expect(String(error)).not.toContain('secret');
    }
  }
});

test('what is right is taken', () => {
  for (const options of [
    { servers },
    { servers: [servers, 'tls://nats.example'], user: 'alice', password: 'p', prefix: 'shop', replicas: 3 },
    {
      servers: 'nats://nats.example',
      credentialsFile: 'relay.creds',
      tls: { caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' },
    },
    { servers, nkeySeed: 'SU', tls: undefined, prefix: undefined },
  ]) {
    expect(() => assertNatsOptions(options)).not.toThrow();
  }
});

test('a file that cannot be read is told of before anything is connected to', async () => {
  const parts = { world: worldOf(globalThis), tell: () => undefined };
  for (const options of [
    { credentialsFile: '/nowhere' },
    { servers: 'tls://localhost', tls: { caFile: '/nowhere' } },
  ]) {
    await expect(createJetStreams({ servers, ...options }, parts)).rejects.toMatchObject({
      name: 'InvalidOptions',
      message: expect.stringContaining('/nowhere'),
    });
  }
});

test('a stream has the same names wherever it is, and none that NATS or a disk would not take', () => {
  expect(streamNames('godwit', 'room:1')).toEqual({
    stream: 'godwit_9f78d9e1ef43204c5dddd808b71123ca60b9ca72f01f8fce78ccbda4e655dadc',
    subject: 'godwit.log.9f78d9e1ef43204c5dddd808b71123ca60b9ca72f01f8fce78ccbda4e655dadc',
  });
});
