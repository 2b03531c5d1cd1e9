// JWTs (RFC 7519): who has signed one, whether it counts now, and which channels it allows.
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { compileChannelPattern } from '@godwit/core/protocol';
import { Failure, type World } from '@godwit/core';
import { forbidden, type Action, type Authority } from './authority.ts';
import type { KeyHint, Keys } from './keys.ts';
import { tokenOf } from './token.ts';
import { createVerified } from './verified.ts';

/** What a token says, read once per request. */
interface Claims {
  readonly allowed: Readonly<Record<Action, readonly ((channel: string) => boolean)[]>>;
  readonly until: number | undefined;
  readonly token: string;
  readonly subject: string | undefined;
}

/**
 * How far an issuer's clock may be ahead: a token of this moment (`nbf`) is good at once. Servers that ask for the time
 * are within a second of it; half a minute is for those that do not. It does not lengthen a token's life: streams end at
 * `exp`, and the client has a new one by then.
 */
export const clockSkewMs = 30_000;

/** Which tokens count, beside those that are well signed. */
export interface TokenRules {
  /** Further origins whose pages may send the token in a cookie. */
  readonly origins?: readonly string[] | undefined;
  /** A token's `iss` is one of these. */
  readonly issuer?: readonly string[] | undefined;
  /** A token's `aud` has one of these. */
  readonly audience?: readonly string[] | undefined;
  /** Whether `?access_token=` may hold it: URLs are logged, so only where nothing else can be. */
  readonly tokenInQuery?: boolean | undefined;
}

/**
 * Admits requests with a token that one of `keys` has signed. Its claims `publish`, `subscribe` and `manage` are lists of
 * channel patterns; one that is absent allows nothing.
 */
export function createTokenAuthority(
  parts: TokenRules & { readonly keys: Keys; readonly world: Pick<World, 'now'> },
): Authority {
  const { keys, world, issuer, audience } = parts;
  // A stream of a hundred channels asks a hundred times about one token.
  const known = new WeakMap<Request, Promise<Claims>>();
  const verified = createVerified<Claims>(keys);
  const rules: JWTVerifyOptions = {
    algorithms: [...keys.algorithms],
    clockTolerance: clockSkewMs / 1000,
    ...(issuer === undefined ? {} : { issuer: [...issuer] }),
    ...(audience === undefined ? {} : { audience: [...audience] }),
  };

  return async (request, action, channel) => {
    const claims = known.get(request) ?? read(request);
    known.set(request, claims);
    const { allowed, until, token, subject } = await claims;
    if (!allowed[action].some((matches) => matches(channel))) throw forbidden(action, channel);
    return { token, ...(until === undefined ? {} : { until }), ...(subject === undefined ? {} : { subject }) };
  };

  async function read(request: Request): Promise<Claims> {
    const token = tokenOf(request, parts);
    const cameAt = world.now();
    const claims = (await verified.claimsOf(token, cameAt)) ?? (await verify(token, cameAt));
    // The tolerance is not for it.
    if (claims.until !== undefined && claims.until <= world.now()) throw expired();
    return claims;
  }

  async function verify(token: string, cameAt: number): Promise<Claims> {
    const hint = hintOf(token, keys.algorithms);
    const fitting = await keys.find(hint, cameAt);
    let claims = await verifyBy(fitting, token, hint);
    // A key may have taken another's place without a name of its own.
    if (claims === undefined && fitting.length > 0 && (await keys.renew?.(cameAt)) === true) {
      claims = await verifyBy(await keys.find(hint, cameAt), token, hint);
    }
    if (claims !== undefined) return claims;
    if (fitting.length > 0) throw refused('its signature is of none of the keys of this relay');
    throw refused(
      `this relay has no key for its algorithm ${quoted(hint.alg)}${hint.kid === undefined ? '' : ` and its "kid" ${quoted(hint.kid)}`}`,
    );
  }

  /** What a token says that one of the keys has signed; undefined where none has. */
  async function verifyBy(
    fitting: Awaited<ReturnType<Keys['find']>>,
    token: string,
    hint: KeyHint,
  ): Promise<Claims | undefined> {
    for (const key of fitting) {
      try {
        const { payload } = await jwtVerify(token, key, { ...rules, currentDate: new Date(world.now()) });
        const claims = claimsOf(payload, token);
        verified.remember(token, { claims, hint, key });
        return claims;
      } catch (error) {
        if (error instanceof errors.JWSSignatureVerificationFailed) continue;
        if (error instanceof errors.JWTExpired) throw expired(error);
        if (error instanceof Failure) throw error;
        throw refused(error instanceof Error ? error.message : 'it cannot be read', error);
      }
    }
    return undefined;
  }
}

function claimsOf(payload: JWTPayload, token: string): Claims {
  // Text, says RFC 7519, section 4.1.2; of what was signed nobody has checked it.
  const subject: unknown = payload.sub;
  if (subject !== undefined && typeof subject !== 'string') throw refused('its claim "sub" is no text');
  return {
    allowed: {
      publish: patternsOf(payload, 'publish'),
      subscribe: patternsOf(payload, 'subscribe'),
      manage: patternsOf(payload, 'manage'),
    },
    until: payload.exp === undefined ? undefined : payload.exp * 1000,
    // What was signed: its signature can be written in several ways, and of ECDSA anybody can make a second one.
    token: token.slice(0, token.lastIndexOf('.')),
    subject: subject === '' ? undefined : subject,
  };
}

/** Reads a token's header, and refuses the algorithms that the keys are not for. */
function hintOf(token: string, algorithms: readonly string[]): KeyHint {
  let header: { readonly alg?: unknown; readonly kid?: unknown };
  try {
    header = decodeProtectedHeader(token);
  } catch (error) {
    throw refused('it is no JWT', error);
  }
  const { alg, kid } = header;
  if (typeof alg !== 'string') throw refused('its header names no algorithm');
  if (alg.toLowerCase() === 'none') throw refused('its algorithm is "none": nobody has signed it');
  if (!algorithms.includes(alg)) {
    throw refused(`its algorithm is ${quoted(alg)}, and the keys of this relay are for ${algorithms.join(', ')}`);
  }
  if (kid !== undefined && typeof kid !== 'string') throw refused('its "kid" is no text');
  return { alg, kid };
}

function patternsOf(payload: JWTPayload, action: Action): readonly ((channel: string) => boolean)[] {
  const claim = payload[action];
  if (claim === undefined) return [];
  if (!Array.isArray(claim) || !claim.every((pattern) => typeof pattern === 'string')) {
    throw refused(`its claim "${action}" is not a list of channel patterns`);
  }
  return claim.map(compileChannelPattern);
}

/** What a stranger wrote is shown, but not all of it. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

function expired(cause?: unknown): Failure {
  return refused('it has expired ("exp"); come back with a new one', cause);
}

function refused(why: string, cause?: unknown): Failure {
  return new Failure('Unauthenticated', `the token is refused: ${why}`, { cause });
}
