// Tokens that nobody means well with: each is refused by name, and nothing else happens.
import * as fc from 'fast-check';
import { CompactSign, exportJWK, exportSPKI, generateKeyPair } from 'jose';
import { isFailure } from '@godwit/core';
import { createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import type { Action, Authority } from './authority.ts';
import { createHookAuthority } from './hook.ts';
import { jwksKeys } from './jwks.ts';
import { publicKeys, secretKeys, type Keys } from './keys.ts';
import { mintToken, type Signing } from './mint.ts';
import { clockSkewMs, createTokenAuthority } from './tokens.ts';

const secret = new TextEncoder().encode('a secret of more than thirty-two bytes');
const hs256: Signing = { key: secret, alg: 'HS256' };
const pair = await generateKeyPair('ES256', { extractable: true });
const world = createTestWorld();
const seconds = (ms: number): number => Math.floor((world.now() + ms) / 1000);
const url = 'https://relay.example/v1/events';

const bySecret = (): Authority => createTokenAuthority({ keys: secretKeys(secret), world });
const byKey = async (): Promise<Authority> =>
  createTokenAuthority({ keys: await publicKeys(await exportSPKI(pair.publicKey)), world });

/** What is decided about a token: the end of its grant, or the name of its refusal. */
async function decided(authority: Authority, token: string, action: Action = 'publish'): Promise<unknown> {
  const headers = new Headers();
  try {
    headers.set('authorization', `Bearer ${token}`);
  } catch {
    // No header can hold it, so no client can send it.
    return 'Unauthenticated';
  }
  return authority(new Request(url, { headers }), action, 'room').then(
    ({ until }) => until ?? 'for ever',
    (error: unknown) => (isFailure(error) ? error.name : error),
  );
}

/** A token whose claims are these bytes, well signed. */
function signed(claims: string | Uint8Array): Promise<string> {
  const bytes = typeof claims === 'string' ? new TextEncoder().encode(claims) : claims;
  return new CompactSign(bytes).setProtectedHeader({ alg: 'HS256' }).sign(secret);
}

test('a token counts until its exp, to the second, and from half a minute before its nbf', async () => {
  const claims = { publish: ['*'] };
  const at = async (more: object): Promise<unknown> =>
    decided(bySecret(), await mintToken(hs256, { ...claims, ...more }));
  expect(await at({})).toBe('for ever');
  expect(await at({ exp: seconds(1000) })).toBe(seconds(1000) * 1000);
  expect(await at({ exp: seconds(0) })).toBe('Unauthenticated');
  expect(await at({ exp: seconds(-clockSkewMs / 2) })).toBe('Unauthenticated');
  expect(await at({ nbf: seconds(clockSkewMs) })).toBe('for ever');
  expect(await at({ nbf: seconds(clockSkewMs + 1000) })).toBe('Unauthenticated');
});

test('of several keys that fit a token without a "kid", the one that signed it counts', async () => {
  const others = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  const set = await Promise.all(
    [...others, pair].map(async ({ publicKey }, kid) => ({ ...(await exportJWK(publicKey)), kid: String(kid) })),
  );
  const authority = createTokenAuthority({ keys: await publicKeys(JSON.stringify({ keys: set })), world });
  const claims = { publish: ['room'] };
  expect(await decided(authority, await mintToken({ key: pair.privateKey, alg: 'ES256' }, claims))).toBe('for ever');
  expect(await decided(authority, await mintToken({ key: pair.privateKey, alg: 'ES256', kid: '0' }, claims))).toBe(
    'Unauthenticated',
  );
  const stranger = await generateKeyPair('ES256');
  expect(await decided(authority, await mintToken({ key: stranger.privateKey, alg: 'ES256' }, claims))).toBe(
    'Unauthenticated',
  );
});

test('whoever brings no token is told how one is sent, and by which option of a runtime', async () => {
  await expect(bySecret()(new Request(url), 'publish', 'room')).rejects.toMatchObject({
    name: 'Unauthenticated',
    message:
      'this relay wants a token: send "Authorization: Bearer <JWT>", as a runtime does whose option `token` answers one',
  });
});

test('text that is no token is refused by name, whatever it is', async () => {
  const part = fc.oneof(
    fc.base64String().map((text) => text.replaceAll('=', '')),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
    fc.constantFrom('', 'eyJhbGciOiJub25lIn0', 'eyJhbGciOiJIUzI1NiJ9', 'eyJhbGciOiJFUzI1NiJ9', 'bnVsbA', '__proto__'),
  );
  const tokens = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
  );
  const authorities = [bySecret(), await byKey()];
  await fc.assert(
    fc.asyncProperty(tokens, async (token) => {
      for (const authority of authorities) expect(await decided(authority, token)).toBe('Unauthenticated');
    }),
    { numRuns: 500 },
  );
});

test('a good token that is changed anywhere is refused by name', async () => {
  const good = await mintToken(hs256, { publish: ['*'] });
  expect(await decided(bySecret(), good)).toBe('for ever');
  const change = fc.tuple(
    fc.nat({ max: good.length - 1 }),
    fc.constantFrom('', '.', '=', 'A', 'b', '-', '+', '\0', 'é'),
  );
  await fc.assert(
    fc.asyncProperty(change, async ([at, letter]) => {
      const changed = good.slice(0, at) + letter + good.slice(at + 1);
      fc.pre(changed !== good && !isSameSignature(changed, good));
      expect(await decided(bySecret(), changed)).toBe('Unauthenticated');
    }),
    { numRuns: 500 },
  );
});

test('a token whose signature is written in another way is the same one to whoever counts requests', async () => {
  const tokenOf = async (authority: Authority, token: string): Promise<unknown> =>
    (await authority(new Request(url, { headers: { authorization: `Bearer ${token}` } }), 'publish', 'room')).token;
  const good = await mintToken(hs256, { publish: ['*'] });
  const authority = bySecret();
  expect(await tokenOf(authority, `${good}=`)).toBe(await tokenOf(authority, good));
  expect(await tokenOf(authority, await mintToken(hs256, { publish: ['*', '*'] }))).not.toBe(
    await tokenOf(authority, good),
  );
  // Of ECDSA, anybody can make a second signature of a first one: (r, n - s).
  const byEcdsa = await mintToken({ key: pair.privateKey, alg: 'ES256' }, { publish: ['*'] });
  const [head, claims, signature = ''] = byEcdsa.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const other = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const turned = Buffer.concat([bytes.subarray(0, 32), Buffer.from(other.toString(16).padStart(64, '0'), 'hex')]);
  const second = `${head}.${claims}.${turned.toString('base64url')}`;
  expect(second).not.toBe(byEcdsa);
  const ecdsa = await byKey();
  expect(await tokenOf(ecdsa, second)).toBe(await tokenOf(ecdsa, byEcdsa));
});

/** The last letter of a signature has bits that mean nothing. */
function isSameSignature(one: string, other: string): boolean {
  const bytes = (token: string): string =>
    Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url').toString('hex');
  return one.slice(0, one.lastIndexOf('.')) === other.slice(0, other.lastIndexOf('.')) && bytes(one) === bytes(other);
}

test('claims that are well signed and make no sense are refused by name, and allow nothing', async () => {
  const claim = fc.oneof(fc.jsonValue(), fc.array(fc.string()));
  const claims = fc.record(
    {
      publish: claim,
      subscribe: claim,
      manage: claim,
      exp: fc.oneof(fc.jsonValue(), fc.double()),
      nbf: fc.jsonValue(),
      sub: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(claims, async (said) => {
      const answer = await decided(bySecret(), await signed(JSON.stringify(said)));
      const isAllowed =
        Array.isArray(said.publish) &&
        said.publish.some((text) => typeof text === 'string' && /^(room|.*\*.*)$/s.test(text));
      if (!isAllowed) expect(['Unauthenticated', 'Forbidden']).toContain(answer);
      else if (typeof answer === 'string') expect(['Unauthenticated', 'Forbidden', 'for ever']).toContain(answer);
      else expect(answer).toBeGreaterThan(world.now());
    }),
    { numRuns: 300 },
  );
  for (const hostile of [
    '',
    'null',
    '[]',
    '"publish"',
    '{"publish":["*"]',
    `{"publish":${'['.repeat(1000)}${']'.repeat(1000)}}`,
    `{"publish":["*"],"exp":1e999,"nbf":1e999}`,
    '{"publish":["*"],"exp":"tomorrow"}',
    '{"publish":["*"],"exp":null}',
    '{"publish":["*"],"sub":7}',
    '{"publish":["*"],"sub":null}',
    '{"publish":["*"],"sub":{"toString":"alice"}}',
    new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
  ]) {
    expect([hostile, await decided(bySecret(), await signed(hostile))]).toEqual([hostile, 'Unauthenticated']);
  }
  expect(await decided(bySecret(), await signed('{"__proto__":{"publish":["*"]}}'))).toBe('Forbidden');
  const pattern = `${'*a'.repeat(5000)}*`;
  expect(await decided(bySecret(), await mintToken(hs256, { publish: [pattern] }))).toBe('Forbidden');
});

test('an issuer that names its keys by no "kid" may change them: the new one counts at once', async () => {
  const moving = createTestWorld();
  const [before, after] = [pair, await generateKeyPair('ES256', { extractable: true })];
  let published = before;
  let asked = 0;
  const keys = jwksKeys({
    url: 'https://issuer.example/keys',
    fetch: async () => {
      asked += 1;
      return Response.json({ keys: [await exportJWK(published.publicKey)] });
    },
    world: moving,
    report: () => undefined,
    sharesFetches: true,
  });
  const authority = createTokenAuthority({ keys, world: moving });
  const token = (its: typeof pair): Promise<string> =>
    mintToken({ key: its.privateKey, alg: 'ES256' }, { publish: ['room'] });
  expect(await decided(authority, await token(before))).toBe('for ever');
  published = after;
  await moving.advance(1);
  expect(await decided(authority, await token(after))).toBe('for ever');
  await moving.advance(1);
  // Whoever's tokens are signed by nobody has it asked no oftener than one of an unknown key, and waits as long for it.
  const late = decided(authority, await token(before));
  await moving.advance(2998);
  expect(asked).toBe(2);
  await moving.advance(1);
  expect([await late, asked]).toEqual(['Unauthenticated', 3]);
});

test('keys that cannot be had are no fault of the token', async () => {
  const keys: Keys = { algorithms: ['HS256'], find: () => Promise.reject(new Error('a bug')) };
  expect(await decided(createTokenAuthority({ keys, world }), await mintToken(hs256, {}))).toEqual(new Error('a bug'));
});

test('a hook decides, and what is no yes is a no', async () => {
  const until = world.now() + 1000;
  for (const [answer, expected] of [
    [true, 'for ever'],
    [{}, 'for ever'],
    [{ until }, until],
    [false, 'Forbidden'],
    [undefined, 'Forbidden'],
    [null, 'Forbidden'],
    [1, 'Forbidden'],
    ['true', 'Forbidden'],
    [{ until: Number.NaN }, 'Internal'],
    [{ until: 'tomorrow' }, 'Internal'],
    [{ subject: 'alice' }, 'for ever'],
    [{ subject: 7 }, 'Internal'],
  ] as const) {
    const asked: unknown[] = [];
    const authority = createHookAuthority((_, ...more) => {
      asked.push(more);
      // What a hook in JavaScript may answer.
      return answer as boolean;
    });
    expect([answer, await decided(authority, 'any', 'manage')]).toEqual([answer, expected]);
    expect(asked).toEqual([['manage', 'room']]);
  }
});
