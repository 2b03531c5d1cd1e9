// The token that a relay asks for: fetched once, kept until the relay no longer takes it.
import { Failure, toFailure } from '@godwit/core';

/** Answers a token; undefined where none is needed. */
export type TokenSource = () => string | undefined | Promise<string | undefined>;

/** A token that is asked for when it is first needed. */
export interface Token {
  /** @throws Failure `Unauthenticated` when the application's function fails */
  header(): Promise<Readonly<Record<string, string>>>;
  forget(): void;
}

/** Keeps the token of `source`. Calls that need it at once share one question. */
export function createToken(source: TokenSource | undefined): Token {
  let asked: Promise<string | undefined> | undefined;
  return {
    async header() {
      if (source === undefined) return {};
      asked ??= (async () => source())();
      const mine = asked;
      try {
        const token = await mine;
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
}
