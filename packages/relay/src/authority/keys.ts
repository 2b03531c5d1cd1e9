// What signatures are verified with: a secret, or public keys as PEM, JWK or a JWK Set. Each key has its own algorithms.
import {
  createLocalJWKSet,
  errors,
  exportJWK,
  importSPKI,
  importX509,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
} from 'jose';
import { Failure } from '@godwit/core';

/** What a token's header says of the key that it was signed with. */
export interface KeyHint {
  readonly alg: string;
  readonly kid?: string | undefined;
}

/** The keys of a relay. */
export interface Keys {
  /** Any other is refused before a key is looked at: no public key is ever taken for a secret. */
  readonly algorithms: readonly string[];
  /**
   * The keys that fit; none where nothing does.
   *
   * @param cameAt when the token came, unless said now: keys that change are asked for after that before none is answered
   * @throws Failure `KeysUnavailable` while they cannot be known
   */
  find(hint: KeyHint, cameAt?: number): Promise<readonly (CryptoKey | Uint8Array)[]>;
  /** Of keys that change: asks for them anew, unless that was done since. Answers whether there may be others now. */
  renew?(cameAt?: number): Promise<boolean>;
}

/** A key shorter than its hash weakens it (RFC 7518, section 3.2). */
export const secretBytesMin = 32;

/** What a public key may sign by. `Ed25519` is the name that RFC 9864 gives to `EdDSA` on that curve. */
export const publicAlgorithms: readonly string[] = ['RS256', 'ES256', 'EdDSA', 'Ed25519'];

/**
 * A secret that relay and issuer share: HS256.
 *
 * @throws Failure `InvalidOptions` where it is a key file: what is public there would sign tokens
 */
export function secretKeys(secret: Uint8Array): Keys {
  const text = new TextDecoder().decode(secret).trim();
  if (text.startsWith('-----BEGIN') || /^\{[^]*"kty"\s*:/.test(text)) {
    throw invalid(
      'the secret is a PEM or JWK file: who knows its public half could sign tokens; name a public key as one, or write the bare secret',
    );
  }
  return { algorithms: ['HS256'], find: async () => [secret] } satisfies Keys;
}

/**
 * Public keys: PEM (`PUBLIC KEY` or `CERTIFICATE`), a JWK, or a JWK Set. Of one key, a token's `kid` is passed over.
 *
 * @throws Failure `InvalidOptions`
 */
export async function publicKeys(text: string): Promise<Keys> {
  const { keys, isSet } = await readKeys(text.trim());
  for (const key of keys) assertPublic(key);
  const fitting = new Set<string>();
  const usable: JWK[] = [];
  for (const key of keys) {
    const algorithms = await algorithmsOf(key, !isSet);
    if (algorithms.length > 0) usable.push(key);
    for (const algorithm of algorithms) fitting.add(algorithm);
  }
  if (usable.length === 0) {
    throw invalid('the public key is none for RS256 (RSA), ES256 (P-256) or EdDSA (Ed25519)');
  }
  const find = finder({ keys: usable });
  return {
    algorithms: [...fitting],
    find: ({ alg, kid }) => find(isSet ? { alg, kid } : { alg }),
  } satisfies Keys;
}

/**
 * Looks keys up in a set.
 *
 * @throws TypeError and errors of jose's when it is none
 */
export function finder(set: JSONWebKeySet): (hint: KeyHint) => ReturnType<Keys['find']> {
  const find = createLocalJWKSet(set);
  return async ({ alg, kid }) => {
    try {
      return [await find(kid === undefined ? { alg } : { alg, kid })];
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return [];
      // Several fit a token that does not say which: each is tried.
      if (error instanceof errors.JWKSMultipleMatchingKeys) {
        const all: CryptoKey[] = [];
        for await (const key of error) all.push(key);
        return all;
      }
      const said = error instanceof Error ? error.message : String(error);
      throw new Failure('Unauthenticated', `the key that fits the token cannot be used: ${said}`, { cause: error });
    }
  };
}

async function readKeys(text: string): Promise<{ readonly keys: readonly JWK[]; readonly isSet: boolean }> {
  if (text.startsWith('-----BEGIN')) return { keys: [await jwkOfPem(text)], isSet: false };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid('the public key is neither PEM nor JSON', error);
  }
  const keys = isObject(json) ? json['keys'] : undefined;
  if (Array.isArray(keys) && keys.every(isObject)) return { keys, isSet: true };
  if (isObject(json) && typeof json['kty'] === 'string') return { keys: [json], isSet: false };
  throw invalid('the public key is JSON, but no JWK (RFC 7517, section 4) and no JWK Set (section 5)');
}

async function jwkOfPem(text: string): Promise<JWK> {
  const [, label = ''] = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(text) ?? [];
  if (label.includes('PRIVATE')) {
    throw invalid(
      `the public key is a private one ("${label}"); the relay needs the other half: openssl pkey -in FILE -pubout`,
    );
  }
  const read = { 'PUBLIC KEY': importSPKI, CERTIFICATE: importX509 }[label];
  if (read === undefined) {
    throw invalid(`the public key is a PEM file of "${label}"; expected "PUBLIC KEY" or "CERTIFICATE"`);
  }
  let last: unknown;
  for (const algorithm of publicAlgorithms) {
    try {
      return await exportJWK(await read(text, algorithm, { extractable: true }));
    } catch (error) {
      last = error;
    }
  }
  throw invalid('the public key is none for RS256 (RSA), ES256 (P-256) or EdDSA (Ed25519), or is damaged', last);
}

function assertPublic({ kty, d, k }: JWK): void {
  if (kty === 'oct' || k !== undefined) throw invalid('the public key is a secret (kty "oct"); name it as one');
  if (d !== undefined)
    throw invalid('the public key is a private one: it has the member "d", which nobody else may see');
}

/** The algorithms that the key can be used for. In a set, what is for other purposes is nobody's mistake. */
async function algorithmsOf(key: JWK, isAlone: boolean): Promise<readonly string[]> {
  const found: string[] = [];
  for (const alg of publicAlgorithms) {
    let fits: readonly (CryptoKey | Uint8Array)[] = [];
    try {
      fits = await finder({ keys: [key] })({ alg, kid: key.kid });
    } catch (error) {
      if (isAlone) throw invalid(error instanceof Error ? error.message : String(error), error);
    }
    if (fits.some((one) => !isWeak(one))) found.push(alg);
    else if (fits.length > 0 && isAlone) throw invalid(`the public key has fewer than ${rsaBitsMin} bits`);
  }
  return found;
}

/** RFC 7518, section 3.3. */
const rsaBitsMin = 2048;

function isWeak(key: CryptoKey | Uint8Array): boolean {
  if (key instanceof Uint8Array) return false;
  const bits: unknown = Reflect.get(key.algorithm, 'modulusLength');
  return typeof bits === 'number' && bits < rsaBitsMin;
}

function isObject(value: unknown): value is JWK & Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string, cause?: unknown): Failure {
  return new Failure('InvalidOptions', message, { cause });
}
