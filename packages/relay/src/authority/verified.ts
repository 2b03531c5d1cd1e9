// Tokens that were verified before: a signature that was good stays good for as long as its key is in use.
import type { KeyHint, Keys } from './keys.ts';

/** So many devices at once publish without a second look at their tokens; of more, those used longest ago have one. */
const tokensMax = 10_000;
/** Longer ones are verified each time: ten thousand that are remembered are to stay below some 20 MiB. */
const tokenLengthMax = 2048;

type Key = Awaited<ReturnType<Keys['find']>>[number];

/** What was found out about a token. */
interface Entry<Claims> {
  readonly claims: Claims;
  readonly hint: KeyHint;
  /** The key that has signed it. */
  readonly key: Key;
}

/** Remembers tokens. Whether one still counts by the clock is asked elsewhere, each time. */
export interface Verified<Claims> {
  /** What a token says, if it was verified with a key that is in use still. */
  claimsOf(token: string, cameAt?: number): Promise<Claims | undefined>;
  remember(token: string, entry: Entry<Claims>): void;
}

/** Makes the memory of tokens that `keys` verify. */
export function createVerified<Claims>(keys: Pick<Keys, 'find'>): Verified<Claims> {
  /** In the order of their last use. */
  const entries = new Map<string, Entry<Claims>>();
  return {
    async claimsOf(token, cameAt) {
      const entry = entries.get(token);
      if (entry === undefined) return undefined;
      entries.delete(token);
      // Asked each time: an issuer that takes a key back takes back what it has signed.
      if (!(await keys.find(entry.hint, cameAt)).includes(entry.key)) return undefined;
      entries.set(token, entry);
      return entry.claims;
    },
    remember(token, entry) {
      if (token.length > tokenLengthMax) return;
      entries.set(token, entry);
      const [oldest] = entries.keys();
      if (entries.size > tokensMax && oldest !== undefined) entries.delete(oldest);
    },
  };
}
