// PROTOCOL.md, rule 9, of keys: by which algorithms a token counts, whose it is, and where it may stand.
import { exportJWK, exportSPKI, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import type { Signing } from '../authority/mint.ts';
import {
  createRelayWorld,
  eventOf,
  eventType,
  type RelayStart,
  type RelayUnderTest,
  type TokenStart,
} from './world.ts';

const all = { subscribe: ['*'], publish: ['*'], manage: ['*'] };

/** Rule 9, of keys. */
export function keyRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = async (tokens: TokenStart = {}) => {
    const world = await createRelayWorld(start, { secured: true, tokens });
    /** What is answered to a token: the status, and the name and the detail of a refusal. */
    const ask = async (token: string): Promise<string> => said(await world.get(world.path, bearer(token)));
    return { ...world, ask };
  };

  test('9.9 a token counts by the algorithms that the key is for, and by no other', async () => {
    const stranger = await generateKeyPair('ES256');
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      const pem = await exportSPKI(publicKey);
      for (const key of [pem, JSON.stringify(await exportJWK(publicKey))]) {
        const { ask, token } = await create({ publicKey: key });
        const good = await token(all, { key: privateKey, alg });
        expect(await ask(good)).toBe('200');
        const [, claims, signature] = good.split('.');
        const forged = (header: object): string => `${encode(header)}.${claims}.${signature}`;
        for (const none of ['none', 'None', 'NONE']) {
          expect(await ask(forged({ alg: none }))).toContain(
            '401 Unauthenticated: the token is refused: its algorithm is "none"',
          );
          expect(await ask(`${encode({ alg: none })}.${claims}.`)).toContain('its algorithm is "none"');
        }
        // What is public, taken for a secret.
        for (const bytes of [pem, pem.trim(), key]) {
          const confused = await token(all, { key: new TextEncoder().encode(bytes), alg: 'HS256' });
          expect(await ask(confused)).toContain('401 Unauthenticated: the token is refused: its algorithm is "HS256"');
        }
        if (alg !== 'ES256')
          expect(await ask(await token(all, { key: stranger.privateKey, alg: 'ES256' }))).toMatch(/^401/);
        expect(await ask(forged({ alg, kid: 7 }))).toMatch(/^401 Unauthenticated/);
        expect(await ask(forged({ alg, crit: ['x'], x: 1 }))).toMatch(/^401 Unauthenticated/);
      }
    }
    const { ask, token } = await create();
    expect(await ask(await token(all))).toBe('200');
    expect(await ask(await token(all, { key: stranger.privateKey, alg: 'ES256' }))).toContain(
      'its algorithm is "ES256"',
    );
  });

  test('9.10 keys by URL: those that are known go on serving while it is down, and before there are any, it is 503', async () => {
    const [first, second] = [await issuerKey('first'), await issuerKey('second')];
    const sets = { keys: [first.jwk, second.jwk] };
    let isDown = false;
    const { ask, token } = await create({
      jwks: () => (isDown ? new Response('down', { status: 500 }) : Response.json(sets)),
    });
    expect(await ask(await token(all, first.signing))).toBe('200');
    isDown = true;
    expect(await ask(await token(all, first.signing))).toBe('200');
    expect(await ask(await token(all, second.signing))).toBe('200');
    const stranger = await issuerKey('stranger');
    expect(await ask(await token(all, stranger.signing))).toContain('503 KeysUnavailable');
    expect(await ask(await token(all, { ...stranger.signing, kid: 'first' }))).toContain('401 Unauthenticated');

    const down = await create({ jwks: () => new Response('down', { status: 500 }) });
    const headers = bearer(await down.token(all, first.signing));
    for (const response of [
      await down.get(down.path, headers),
      await down.get(`/v1/events?channel=${down.channel}`, headers),
      await down.post(eventType, eventOf('1'), headers),
    ]) {
      expect(response.headers.get('retry-after')).toMatch(/^[1-9]$/);
      expect(await said(response)).toContain('503 KeysUnavailable');
    }
    // What no key could help is refused all the same.
    expect(await down.ask('x.y.z')).toContain('401 Unauthenticated');
  });

  test('9.10 a key that an issuer has added counts at once, and one that is not in its set is 401', async () => {
    const [first, second] = [await issuerKey('first'), await issuerKey('second')];
    const set = { keys: [first.jwk] };
    const { ask, token } = await create({ jwks: () => Response.json(set) });
    expect(await ask(await token(all, first.signing))).toBe('200');
    set.keys.push(second.jwk);
    expect(await ask(await token(all, second.signing))).toBe('200');
    const another = await create({ jwks: () => Response.json(set) });
    const stranger = await another.token(all, (await issuerKey('stranger')).signing);
    expect(await another.ask(stranger)).toContain('401 Unauthenticated');
  });

  test('9.11 a token counts from its nbf on, from the issuers and for the audiences that were named', async () => {
    const { ask, token } = await create({ issuer: ['https://issuer.example', 'b'], audience: ['relay'] });
    const now = Math.floor(Date.now() / 1000);
    const good = { ...all, iss: 'b', aud: 'relay' };
    expect(await ask(await token(good))).toBe('200');
    expect(await ask(await token({ ...good, aud: ['other', 'relay'] }))).toBe('200');
    // An issuer's clock that is ahead.
    expect(await ask(await token({ ...good, nbf: now + 20 }))).toBe('200');
    for (const bad of [
      { ...good, nbf: now + 120 },
      { ...good, iss: 'https://issuer.example/' },
      { ...all, aud: 'relay' },
      { ...good, aud: 'other' },
      { ...all, iss: 'b' },
      // The tolerance lengthens no life.
      { ...good, exp: now - 1 },
    ]) {
      expect(await ask(await token(bad))).toMatch(/^401 Unauthenticated: the token is refused: /);
    }
  });

  test('9.12 a token in the query counts only where the relay was told so', async () => {
    const off = await create();
    const refusal = await off.get(`${off.path}?access_token=${await off.token(all)}`);
    expect(await said(refusal)).toContain('401 Unauthenticated: this relay takes no token from ?access_token=');
    const on = await create({ tokenInQuery: true });
    const token = await on.token(all);
    const page = await on.get(`${on.path}?after=earliest&access_token=${token}`);
    expect([page.status, page.headers.get('link')]).toEqual([200, expect.not.stringContaining('token')]);
    const stream = await on.open(`?access_token=${token}`);
    await stream.control('connected');
    expect(await said(await on.get(`${on.path}?access_token=${token}&access_token=${token}`))).toContain('comes twice');
    expect(await said(await on.get(`${on.path}?access_token=`))).toContain('401 Unauthenticated');
    for (const world of [on, off]) {
      const cookie = `godwit_token=${await world.token(all)}`;
      expect(await said(await world.get(`${world.path}?access_token=`, { cookie }))).toBe('200');
    }
  });
}

async function said(response: Response): Promise<string> {
  if (response.status === 200) {
    await response.body?.cancel();
    return '200';
  }
  const { name, detail } = (await response.json()) as { readonly name: string; readonly detail: string };
  return `${response.status} ${name}: ${detail}`;
}

async function issuerKey(kid: string): Promise<{ readonly jwk: object; readonly signing: Signing }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { jwk: { ...(await exportJWK(publicKey)), kid }, signing: { key: privateKey, alg: 'ES256', kid } };
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

function encode(json: object): string {
  return btoa(JSON.stringify(json)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_');
}
