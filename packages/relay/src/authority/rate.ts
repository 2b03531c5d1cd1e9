// How often one token may ask: a bucket each, which empties by requests and fills again by time.
import { Failure, type World } from '@godwit/core';
import type { Authority } from './authority.ts';

/** Buckets kept. One that nobody has used for a second is full, as a new one is: of so many, the oldest is let go without a loss. */
const bucketsMax = 10_000;

/** What is left of a token's requests, as of a moment. */
interface Bucket {
  left: number;
  at: number;
}

/**
 * Admits whom `authority` admits, but no token oftener than `perSecond`, and at once no more than a second's worth. A
 * request counts once, however many channels it asks for. Who has no token is not counted; nor is what `authority` refuses, since
 * there is nothing behind that to be spared: another refusal would cost as much.
 *
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export function rated(authority: Authority, perSecond: number, world: Pick<World, 'now'>): Authority {
  /** In the order of their last use. */
  const buckets = new Map<string, Bucket>();
  const counted = new WeakSet<Request>();

  return async (request, action, channel) => {
    const grant = await authority(request, action, channel);
    if (grant.token === undefined || counted.has(request)) return grant;
    counted.add(request);
    take(grant.token);
    return grant;
  };

  function take(token: string): void {
    const now = world.now();
    const { left, at } = buckets.get(token) ?? { left: perSecond, at: now };
    // A clock that jumps back fills nothing.
    const filled = Math.min(perSecond, left + (Math.max(0, now - at) * perSecond) / 1000);
    buckets.delete(token);
    buckets.set(token, { left: filled < 1 ? filled : filled - 1, at: now });
    if (buckets.size > bucketsMax) {
      const [oldest = ''] = buckets.keys();
      buckets.delete(oldest);
    }
    if (filled >= 1) return;
    throw new Failure('RateLimited', `this token has asked ${perSecond} times within a second; ask more slowly`, {
      retryAfterMs: Math.ceil(((1 - filled) * 1000) / perSecond),
    });
  }
}
