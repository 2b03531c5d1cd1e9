// Who is let in, as whoever runs the relay says it: one of five ways, the same on Node and on Workers.
import { Failure, type World } from '@godwit/core';
import { createInsecureAuthority, type Authority } from './authority.ts';
import { createHookAuthority, type Authorize } from './hook.ts';
import { jwksKeys } from './jwks.ts';
import { publicKeys, secretKeys, type Keys } from './keys.ts';
import { createTokenAuthority, type TokenRules } from './tokens.ts';

/** How a relay knows who may do what. Exactly one of the first five is said. */
export interface Access {
  /** Open to all who reach it. */
  readonly insecure?: boolean | undefined;
  /** Signs tokens by HS256. Each byte counts: the line break at a file's end, which `--secret-file` leaves out, is none of it. */
  readonly secret?: Uint8Array | undefined;
  /** Verifies tokens signed by RS256, ES256 or EdDSA: PEM, a JWK or a JWK Set. */
  readonly publicKey?: string | undefined;
  /** Where the issuer of such tokens publishes its keys. */
  readonly jwksUrl?: string | undefined;
  /** Decides instead of tokens. */
  readonly authorize?: Authorize | undefined;
  /** A token's `iss` is one of these. */
  readonly issuer?: readonly string[] | undefined;
  /** A token's `aud` has one of these. */
  readonly audience?: readonly string[] | undefined;
  /** Whether `?access_token=` may hold a token. */
  readonly tokenInQuery?: boolean | undefined;
}

/** What keys by URL are fetched with. */
export interface AccessParts {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly world: Pick<World, 'now' | 'after'>;
  readonly report: (failure: Failure) => void;
  /** False where a request may not wait for another's fetch, as on Workers. */
  readonly sharesFetches: boolean;
  /** Further origins whose pages may send a token in a cookie. */
  readonly origins: TokenRules['origins'];
  /** What whoever runs it calls the ways, and what they are told who named none. */
  readonly names: Readonly<Record<(typeof ways)[number], string>>;
  readonly without: string;
}

const ways = ['insecure', 'secret', 'publicKey', 'jwksUrl', 'authorize'] as const;

/**
 * Makes the authority that was asked for.
 *
 * @throws Failure `InvalidOptions` when none was, or more than one, or a key is none
 */
export async function createAuthority(access: Access, parts: AccessParts): Promise<Authority> {
  const { names, without, world } = parts;
  const said = ways.filter((way) => access[way] !== undefined && access[way] !== false);
  if (said.length === 0) throw invalid(without);
  if (said.length > 1) throw invalid(`${said.map((way) => names[way]).join(' and ')} exclude each other: name one`);
  const { authorize, issuer, audience, tokenInQuery } = access;
  const keys = await keysOf(access, parts);
  if (keys !== undefined) {
    return createTokenAuthority({ keys, world, origins: parts.origins, issuer, audience, tokenInQuery });
  }
  if ((issuer ?? audience) !== undefined || tokenInQuery === true) {
    throw invalid(`what a token has to be means nothing where ${said.map((way) => names[way]).join()} wants none`);
  }
  return authorize === undefined ? createInsecureAuthority() : createHookAuthority(authorize);
}

async function keysOf({ secret, publicKey, jwksUrl }: Access, parts: AccessParts): Promise<Keys | undefined> {
  if (secret !== undefined) return secretKeys(secret);
  if (publicKey !== undefined) return publicKeys(publicKey);
  return jwksUrl === undefined ? undefined : jwksKeys({ ...parts, url: jwksUrl });
}

function invalid(message: string): Failure {
  return new Failure('InvalidOptions', message);
}
