// Signs tokens: for development and tests. In production, whoever knows the users does.
import { importJWK, importPKCS8, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import { Failure } from '@godwit/core';
import { publicAlgorithms, secretKeys } from './keys.ts';

/** What a token is signed with. */
export interface Signing {
  readonly key: CryptoKey | Uint8Array;
  readonly alg: string;
  /** Tells a relay with several keys which one it was. */
  readonly kid?: string | undefined;
}

/**
 * Reads a key that signs: a secret, or a private key as PEM (PKCS #8) or JWK.
 *
 * @throws Failure `InvalidOptions`
 */
export async function signingKey(
  text: string,
  { isSecret, kid }: { readonly isSecret: boolean; readonly kid?: string | undefined },
): Promise<Signing> {
  if (isSecret) {
    const key = new TextEncoder().encode(text);
    // What the relay would not take as a secret is none here.
    secretKeys(key);
    return { key, alg: 'HS256', kid };
  }
  const jwk = jwkOf(text);
  let last: unknown;
  for (const alg of publicAlgorithms.filter((name) => (jwk?.alg ?? name) === name)) {
    try {
      const key = await (jwk === undefined ? importPKCS8(text, alg) : importJWK(jwk, alg));
      if (!(key instanceof Uint8Array) && key.type === 'private') return { key, alg, kid: kid ?? jwk?.kid };
    } catch (error) {
      last = error;
    }
  }
  throw new Failure(
    'InvalidOptions',
    'the key is no private one for RS256 (RSA), ES256 (P-256) or EdDSA (Ed25519), as PEM of PKCS #8 ("PRIVATE KEY") or as JWK',
    { cause: last },
  );
}

/**
 * Signs a token. Claims that are undefined are left out.
 *
 * @example
 * ```ts
 * const signing = await signingKey('a secret of at least thirty-two bytes', { isSecret: true });
 * await mintToken(signing, { subscribe: ['room:*'], exp: Math.floor(Date.now() / 1000) + 3600 });
 * ```
 */
export async function mintToken(
  { key, alg, kid }: Signing,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> {
  const said = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)) as JWTPayload;
  const header = kid === undefined ? { alg, typ: 'JWT' } : { alg, typ: 'JWT', kid };
  return new SignJWT(said).setProtectedHeader(header).sign(key);
}

function jwkOf(text: string): JWK | undefined {
  try {
    return JSON.parse(text) as JWK;
  } catch {
    return undefined;
  }
}
