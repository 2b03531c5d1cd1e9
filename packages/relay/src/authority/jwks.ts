// Keys that an issuer publishes as a JWK Set: fetched when first needed, cached, asked for anew when they may have changed.
import type { JSONWebKeySet } from 'jose';
import { Failure, toFailure, type World } from '@godwit/core';
import { finder, publicAlgorithms, type Keys } from './keys.ts';

/** How long a set is believed: a key that its issuer withdraws signs no longer than this. */
const freshMs = 10 * 60_000;
/**
 * A token of an unknown key has the set asked for anew, but no oftener than this: anybody can make such tokens. Whoever's turn
 * it is not waits for it, since a key may be that new; so it is short.
 */
const cooldownMs = 3000;
/** How often a request that may not wait for another's fetch looks whether that has brought the set. */
const lookMs = 250;
/** How long an issuer that did not answer is left alone, and whoever needs its keys is told to wait. */
const retryMs = 5000;
/** How long an answer may take. */
const timeoutMs = 5000;

/** An issuer's keys by URL. While it cannot be reached, those that are known go on serving. */
export function jwksKeys(parts: {
  readonly url: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly world: Pick<World, 'now' | 'after'>;
  /** Hears of each time that the issuer could not be asked. */
  readonly report: (failure: Failure) => void;
  /** False where a request may not wait for another's fetch, as on Workers. */
  readonly sharesFetches: boolean;
}): Keys {
  const { fetch, world, report, sharesFetches } = parts;
  const url = addressOf(parts.url);
  let find: ReturnType<typeof finder> | undefined;
  let freshUntil = -Infinity;
  /** When the set that is known was asked for. */
  let askedAt = -Infinity;
  let nextTryAt = -Infinity;
  /** The same for the sake of an unknown key. */
  let nextForUnknownAt = -Infinity;
  let seenAt = -Infinity;
  let pending: Promise<void> | undefined;
  /** Why the last try failed; undefined when it did not. */
  let trouble: string | undefined;

  return {
    algorithms: publicAlgorithms,
    async find(hint, cameAt = world.now()) {
      noticeClock();
      // One request waits for the set to be asked anew, the others go on with what is known.
      if (find === undefined || (world.now() >= freshUntil && pending === undefined)) await refresh();
      const fits = (await find?.(hint)) ?? [];
      if (fits.length > 0) return fits;
      await askedSince(cameAt);
      const fitsNow = (await find?.(hint)) ?? [];
      if (fitsNow.length > 0) return fitsNow;
      // Nobody can say that a token is bad whose key may be among those that cannot be had.
      if (find === undefined || trouble !== undefined) throw unavailable();
      return [];
    },
    async renew(cameAt = world.now()) {
      const before = find;
      await askedSince(cameAt);
      return find !== before;
    },
  } satisfies Keys;

  /** Waits until the set was asked for after `cameAt`, and is asked by the first whose turn it is; or until it cannot be had. */
  async function askedSince(cameAt: number): Promise<void> {
    for (;;) {
      noticeClock();
      if (askedAt >= cameAt) return;
      const restMs = nextForUnknownAt - world.now();
      if (restMs > 0 && pending === undefined && trouble === undefined) {
        await rest(sharesFetches ? restMs : Math.min(restMs, lookMs));
        continue;
      }
      nextForUnknownAt = world.now() + cooldownMs;
      await refresh();
      // Set back meanwhile, the clock would come to that moment once more, in an hour perhaps.
      if (trouble !== undefined || world.now() < cameAt) return;
    }
  }

  /** Where the clock was set back, what happened a moment ago is in the future: the set is asked for anew, at once. */
  function noticeClock(): void {
    const now = world.now();
    if (now < seenAt) freshUntil = askedAt = nextTryAt = nextForUnknownAt = -Infinity;
    seenAt = now;
  }

  function rest(ms: number): Promise<void> {
    return new Promise((resolve) => void world.after(ms, resolve));
  }

  /** Asks, unless it was asked lately. Never rejects. */
  async function refresh(): Promise<void> {
    if (pending !== undefined) return pending;
    // Before the first answer, each request that may not wait for another's asks for itself.
    const isFirst = find === undefined && trouble === undefined;
    if (world.now() < nextTryAt && !isFirst) return;
    // A request that dies takes its fetch along: the next may ask once this one would have ended.
    nextTryAt = world.now() + timeoutMs;
    if (!sharesFetches) return load();
    pending = load();
    await pending;
    pending = undefined;
  }

  async function load(): Promise<void> {
    const begunAt = world.now();
    try {
      find = finder(await ask());
      trouble = undefined;
      askedAt = Math.min(begunAt, world.now());
      freshUntil = world.now() + freshMs;
      nextTryAt = -Infinity;
    } catch (error) {
      trouble = `the keys of ${url} cannot be had: ${reasonOf(error)}`;
      nextTryAt = world.now() + retryMs;
      const meanwhile = find === undefined ? 'no token is taken' : 'those that are known go on serving';
      report(new Failure('KeysUnavailable', `${trouble}; ${meanwhile}`, { cause: error }));
    }
  }

  async function ask(): Promise<JSONWebKeySet> {
    const limit = new AbortController();
    const stop = world.after(timeoutMs, () => limit.abort(new Error(`no answer within ${timeoutMs / 1000} s`)));
    try {
      // A redirect would let whoever answers name another issuer.
      const init: RequestInit = { redirect: 'manual', headers: { accept: 'application/json' }, signal: limit.signal };
      const response = await fetch(url, init);
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`it answered ${response.status}`);
      }
      return (await response.json()) as JSONWebKeySet;
    } finally {
      stop();
    }
  }

  /** Said to clients, whom the issuer's address does not concern. */
  function unavailable(): Failure {
    const message = 'the keys that tokens are verified with cannot be had just now; keep the token, and come back';
    // A second at least: whoever comes at once would only be told the same.
    return new Failure('KeysUnavailable', message, { retryAfterMs: Math.max(1000, nextTryAt - world.now()) });
  }
}

/** `fetch` says that it failed, and its cause says why. */
function reasonOf(error: unknown): string {
  const { message } = toFailure(error);
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}

function addressOf(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new Failure('InvalidOptions', `the JWKS URL is https://… or http://…; got ${JSON.stringify(text)}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new Failure(
      'InvalidOptions',
      'the JWKS URL holds a name or a password, which a set of public keys needs not',
    );
  }
  return url.href;
}
