// `npm run relay -- token`: what it mints, a relay takes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, exportPKCS8, exportSPKI, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { runRelay } from './command.ts';
import { folder, secret } from './relay.ts';

/** Runs the command to its end. */
async function mint(...args: readonly string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const { ended, output } = runRelay('token', ...args);
  return { code: await ended, ...output };
}

async function statusOf(url: string, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token.trim()}` };
  return (await fetch(`${url}/v1/channels/room:1/events`, { headers })).status;
}

test('a token by the secret is taken by a relay that has it', async () => {
  const data = await folder();
  const file = join(data, 'key');
  await writeFile(file, secret);
  const { code, stdout, stderr } = await mint(
    '--secret-file',
    file,
    '--subscribe',
    'room:*',
    '--expires',
    '15m',
    '--subject',
    'alice',
  );
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const { iat = 0, exp = 0, ...claims } = decodeJwt(stdout.trim());
  expect([exp - iat, claims]).toEqual([900, { sub: 'alice', subscribe: ['room:*'] }]);
  const relay = runRelay('--port', '0', '--data', data, '--secret-file', file);
  expect(await statusOf(await relay.ready, stdout)).toBe(200);
});

test('a token by a private key is taken by a relay that has the public one', async () => {
  const data = await folder();
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const [pub, key] = [join(data, 'key.pub'), join(data, 'key')];
  await writeFile(pub, await exportSPKI(publicKey));
  await writeFile(key, await exportPKCS8(privateKey));
  const access = ['--issuer', 'me', '--audience', 'relay'];
  const minted = await mint(
    '--private-key-file',
    key,
    '--subscribe',
    '*',
    '--manage',
    'a',
    '--manage',
    'b',
    '--key-id',
    'k',
    ...access,
  );
  expect(decodeProtectedHeader(minted.stdout.trim())).toEqual({ alg: 'EdDSA', typ: 'JWT', kid: 'k' });
  expect(decodeJwt(minted.stdout.trim())).toMatchObject({ iss: 'me', aud: 'relay', manage: ['a', 'b'] });
  const relay = runRelay('--port', '0', '--data', data, '--public-key-file', pub, ...access, '--token-in-query');
  const url = await relay.ready;
  expect(await statusOf(url, minted.stdout)).toBe(200);
  expect((await fetch(`${url}/v1/channels/a/events?access_token=${minted.stdout.trim()}`)).status).toBe(200);
  const other = await mint('--private-key-file', key, '--subscribe', '*', '--issuer', 'you', '--audience', 'relay');
  expect(await statusOf(url, other.stdout)).toBe(401);
});

test.each([
  [[], 'signed with one key'],
  [['--secret-file', 'a', '--private-key-file', 'b', '--publish', '*'], 'signed with one key'],
  [['--secret-file', 'does-not-exist', '--publish', '*'], 'cannot read --secret-file does-not-exist'],
  [['--secret-file', 'package.json'], 'would allow nothing'],
  [['--private-key-file', 'package.json', '--publish', '*'], 'no private one'],
  [['--secret-file', 'package.json', '--publish', '*', '--expires', '0h'], '--expires is a number and a unit'],
  [['--secret-file', 'package.json', '--publish', '*', '--expires', 'soon'], '--expires is a number and a unit'],
  [['--secret-file', 'package.json', '--publish', 'a,b'], '--publish is a channel, or a pattern as room:*'],
  [['--secret-file', 'package.json', '--publish', 'a', '--manage', 'a b'], 'is repeated for several; got a b'],
  [['--secret-file', 'package.json', '--subscribe', ''], '--subscribe is empty'],
  [['--nonsense'], 'token --help lists the options'],
])('asked with %j, it says what is wrong, mints nothing and exits 2', async (args, sentence) => {
  const { code, stdout, stderr } = await mint(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(sentence);
});

test('--help says how', async () => {
  expect(await mint('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('--expires TIME') });
});
