// The token that a relay asks for: fetched once, kept until its time is over or the relay no longer takes it.
import { Failure, toFailure, type World } from '@godwit/core';

/** Answers a token; undefined where none is needed. */
export type TokenSource = () => string | undefined | Promise<string | undefined>;

/** A token that is asked for when it is first needed. */
export interface Token {
  /** @throws Failure `Unauthenticated` when the application's function fails */
  header(): Promise<Readonly<Record<string, string>>>;
  forget(): void;
}

/** A token is renewed so long before its end: its times are whole seconds, and requests take a while. */
const marginMs = 5000;

/** A question to the application, and when its answer is no longer good. */
interface Asked {
  readonly token: Promise<string | undefined>;
  endsAt: number;
}

/** Keeps the token of `source`. Calls that need it at once share one question. */
export function createToken(source: TokenSource | undefined, world: Pick<World, 'now'>): Token {
  let asked: Asked | undefined;
  return {
    async header() {
      if (source === undefined) return {};
      if (asked === undefined || world.now() >= asked.endsAt) asked = ask(source);
      const mine = asked;
      try {
        const token = await mine.token;
        return token === undefined ? {} : { authorization: `Bearer ${token}` };
      } catch (error) {
        // Asked again next time: it may have failed for want of a network.
        if (asked === mine) asked = undefined;
        const message = `the function \`token\` failed: ${toFailure(error).message}`;
        throw new Failure('Unauthenticated', message, { cause: error });
      }
    },
    forget() {
      asked = undefined;
    },
  };

  function ask(from: TokenSource): Asked {
    const token = (async () => from())();
    const mine: Asked = { token, endsAt: Infinity };
    const learn = (text: string | undefined): void => {
      const lifeMs = lifeMsOf(text);
      mine.endsAt = world.now() + lifeMs - Math.min(marginMs, lifeMs / 2);
    };
    // Its failure is told to whoever waits for it.
    token.then(learn, () => undefined);
    return mine;
  }
}

/**
 * How long a fresh JWT is good: from its `iat` to its `exp`, so that nobody's clock matters but its issuer's. Infinity
 * where it does not say; then the relay does.
 */
function lifeMsOf(token: string | undefined): number {
  try {
    const [, claims = ''] = (token ?? '').split('.');
    const { iat, exp } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/')));
    return exp > iat ? (exp - iat) * 1000 : Infinity;
  } catch {
    // No JWT: what it is, the relay and the application know.
    return Infinity;
  }
}
