// A shared secret: JWTs signed with HS256, whose claims list channel patterns.
import { jwtVerify, type JWTPayload } from 'jose';
import { compileChannelPattern } from '@godwit/core/protocol';
import { Failure, type World } from '@godwit/core';
import { forbidden, type Action, type Authority } from './authority.ts';
import { tokenOf } from './token.ts';

/** What a token says, read once per request. */
interface Claims {
  readonly allowed: Readonly<Record<Action, readonly ((channel: string) => boolean)[]>>;
  readonly until: number | undefined;
}

/** A key shorter than its hash weakens it (RFC 7518, section 3.2). */
export const secretBytesMin = 32;

/**
 * Admits requests with a JWT (RFC 7519) that `secret` has signed by HS256. Its claims `publish`, `subscribe` and `manage`
 * are lists of channel patterns; one that is absent allows nothing.
 *
 * @param parts.origins further origins whose pages may send the token in a cookie
 */
export function createSecretAuthority(parts: {
  readonly secret: Uint8Array;
  readonly world: Pick<World, 'now'>;
  readonly origins?: readonly string[];
}): Authority {
  const { secret, world, origins = [] } = parts;
  // A stream of a hundred channels asks a hundred times about one token.
  const known = new WeakMap<Request, Promise<Claims>>();

  return async (request, action, channel) => {
    const claims = known.get(request) ?? read(request);
    known.set(request, claims);
    const { allowed, until } = await claims;
    if (!allowed[action].some((matches) => matches(channel))) throw forbidden(action, channel);
    return until === undefined ? {} : { until };
  };

  async function read(request: Request): Promise<Claims> {
    const token = tokenOf(request, origins);
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, secret, { algorithms: ['HS256'], currentDate: new Date(world.now()) }));
    } catch (error) {
      const said = error instanceof Error ? error.message : 'it cannot be read';
      throw new Failure('Unauthenticated', `the token is refused: ${said}`, { cause: error });
    }
    return {
      allowed: {
        publish: patternsOf(payload, 'publish'),
        subscribe: patternsOf(payload, 'subscribe'),
        manage: patternsOf(payload, 'manage'),
      },
      until: payload.exp === undefined ? undefined : payload.exp * 1000,
    };
  }
}

function patternsOf(payload: JWTPayload, action: Action): readonly ((channel: string) => boolean)[] {
  const claim = payload[action];
  if (claim === undefined) return [];
  if (!Array.isArray(claim) || !claim.every((pattern) => typeof pattern === 'string')) {
    throw new Failure(
      'Unauthenticated',
      `the token is refused: its claim "${action}" is not a list of channel patterns`,
    );
  }
  return claim.map(compileChannelPattern);
}
