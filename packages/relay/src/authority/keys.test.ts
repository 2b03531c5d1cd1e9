// Keys as files and variables hold them, and what is no key.
import { exportJWK, exportPKCS8, exportSPKI, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { publicKeys, secretKeys } from './keys.ts';
import { mintToken, signingKey } from './mint.ts';

const pairOf = (alg: string, more: object = {}) => generateKeyPair(alg, { extractable: true, ...more });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ['RS256', ['RS256']],
  ['ES256', ['ES256']],
  ['EdDSA', ['EdDSA', 'Ed25519']],
])('a key for %s is one as PEM, as a JWK, and in a set, and is for nothing else', async (alg, algorithms) => {
  const { publicKey } = await pairOf(alg);
  const jwk = await exportJWK(publicKey);
  const set = { keys: [{ ...jwk, kid: 'a' }] };
  for (const text of [await exportSPKI(publicKey), JSON.stringify(jwk), JSON.stringify(set)]) {
    const keys = await publicKeys(`\n${text}\n`);
    expect(keys.algorithms).toEqual(algorithms);
    expect(await keys.find({ alg })).toHaveLength(1);
    expect(await keys.find({ alg: alg === 'ES256' ? 'RS256' : 'ES256' })).toHaveLength(0);
    // Of one key, nobody needs to say which.
    expect(await keys.find({ alg, kid: 'b' })).toHaveLength(text.includes('"keys"') ? 0 : 1);
  }
});

test('a set may hold keys for other purposes, and several that fit', async () => {
  const keys = await Promise.all(
    ['ES256', 'ES256', 'ES384', 'RS256'].map(async (alg) => exportJWK((await pairOf(alg)).publicKey)),
  );
  const found = await publicKeys(JSON.stringify({ keys: [...keys, { kty: 'EC', use: 'enc', crv: 'P-256' }] }));
  expect([...found.algorithms].toSorted()).toEqual(['ES256', 'RS256']);
  expect(await found.find({ alg: 'ES256' })).toHaveLength(2);
});

test('what is no public key for these algorithms is refused, and says why', async () => {
  const { publicKey, privateKey } = await pairOf('ES256');
  const pem = await exportSPKI(publicKey);
  for (const [text, why] of [
    ['', 'neither PEM nor JSON'],
    ['hello', 'neither PEM nor JSON'],
    ['null', 'no JWK'],
    ['[]', 'no JWK'],
    ['{"keys":[]}', 'none for RS256'],
    ['{"keys":[7]}', 'no JWK'],
    ['{"kty":"EC"}', ''],
    ['{"kty":"oct","k":"AAAA"}', 'is a secret'],
    ['{"keys":[{"kty":"oct","k":"AAAA"}]}', 'is a secret'],
    [await exportPKCS8(privateKey), 'a private one ("PRIVATE KEY")'],
    [JSON.stringify(await exportJWK(privateKey)), 'the member "d"'],
    [pem.slice(0, 60), 'is damaged'],
    [pem.replaceAll('PUBLIC', 'RSA PUBLIC'), 'a PEM file of "RSA PUBLIC KEY"'],
    [await exportSPKI((await pairOf('ES384')).publicKey), 'none for RS256'],
  ] as const) {
    await expect(publicKeys(text), text).rejects.toMatchObject({
      name: 'InvalidOptions',
      message: expect.stringContaining(why),
    });
  }
});

test('an RSA key of fewer than 2048 bits is refused', async () => {
  const { publicKey } = await crypto.subtle.generateKey(
    { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  );
  const spki = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64');
  const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----`;
  await expect(publicKeys(pem)).rejects.toMatchObject({ name: 'InvalidOptions' });
});

test('a key file is no secret: whoever knows its public half could sign', async () => {
  const { publicKey, privateKey } = await pairOf('ES256');
  for (const key of [publicKey, privateKey]) {
    for (const text of [
      key === publicKey ? await exportSPKI(key) : await exportPKCS8(key),
      JSON.stringify(await exportJWK(key)),
      JSON.stringify({ keys: [await exportJWK(key)] }, null, 2),
    ]) {
      expect(() => secretKeys(bytes(text))).toThrow(expect.objectContaining({ name: 'InvalidOptions' }));
    }
  }
  expect(secretKeys(bytes('{ a secret with braces, and long enough }')).algorithms).toEqual(['HS256']);
});

test.each(['RS256', 'ES256', 'EdDSA'])('a private key for %s signs, as PEM and as a JWK', async (alg) => {
  const { privateKey } = await pairOf(alg);
  for (const text of [await exportPKCS8(privateKey), JSON.stringify({ ...(await exportJWK(privateKey)), alg })]) {
    const signing = await signingKey(text, { isSecret: false, kid: 'mine' });
    expect(signing).toMatchObject({ alg, kid: 'mine' });
    expect((await mintToken(signing, { sub: undefined })).split('.')).toHaveLength(3);
  }
});

test('what cannot sign is refused', async () => {
  const { publicKey } = await pairOf('ES256');
  for (const text of [
    '',
    'x',
    '{}',
    'null',
    await exportSPKI(publicKey),
    JSON.stringify(await exportJWK(publicKey)),
    '{"kty":"oct","k":"AAAA"}',
  ]) {
    await expect(signingKey(text, { isSecret: false }), text).rejects.toMatchObject({ name: 'InvalidOptions' });
  }
});
