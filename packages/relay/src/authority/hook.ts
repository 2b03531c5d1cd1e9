// A hook of the application's own in place of tokens: asked once per channel and action, and believed.
import { Failure } from '@godwit/core';
import { forbidden, type Action, type Authority, type Grant } from './authority.ts';

/**
 * Decides whether a request may act on a channel: `true`, or a grant that may say when it ends, and who asks; anything else
 * refuses.
 * To say that nobody can tell who asks, throw a `Failure` named `Unauthenticated`: the client then gets a new token.
 *
 * @param channel `*` for what concerns all of them, as the relay's numbers
 */
export type Authorize = (
  request: Request,
  action: Action,
  channel: string,
) => boolean | Grant | Promise<boolean | Grant>;

/** Makes an authority of a hook. What it throws that is no `Failure` is answered 500, and nothing is done. */
export function createHookAuthority(authorize: Authorize): Authority {
  return async (request, action, channel) => {
    const answer: unknown = await authorize(request, action, channel);
    if (answer === true) return {};
    // Denied unless it was said: a hook that forgets to answer opens nothing.
    if (typeof answer !== 'object' || answer === null) throw forbidden(action, channel, '`authorize`');
    const [until, subject]: readonly unknown[] = [Reflect.get(answer, 'until'), Reflect.get(answer, 'subject')];
    if (until !== undefined && !(typeof until === 'number' && !Number.isNaN(until)))
      throw new Failure('Internal', `\`authorize\` answered an "until" that is no number of milliseconds`);
    if (subject !== undefined && typeof subject !== 'string')
      throw new Failure('Internal', '`authorize` answered a "subject" that is no text');
    return { ...(until === undefined ? {} : { until }), ...(subject === undefined ? {} : { subject }) };
  };
}
