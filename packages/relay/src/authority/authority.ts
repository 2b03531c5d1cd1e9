// Who may do what. A hook: the relay asks it once per channel and action, and believes it.
import { Failure } from '@godwit/core';

/** What a request may be about. Replay needs the same right as live: both are `subscribe`. */
export type Action = 'publish' | 'subscribe' | 'manage';

/** What an authority grants. */
export interface Grant {
  /** Wall-clock milliseconds at which it ends; a stream ends with it. */
  readonly until?: number;
  /** What tells one token from another: requests are counted by it. */
  readonly token?: string;
  /** Who asks, where that is known: a reader can be present as nobody else. */
  readonly subject?: string;
}

/**
 * Decides whether a request may act on a channel. `channel` is `*` for what concerns all of them, as the relay's numbers.
 *
 * @throws Failure `Unauthenticated` when it cannot tell who asks, `Forbidden` when they may not
 */
export type Authority = (request: Request, action: Action, channel: string) => Promise<Grant>;

/** Opens the relay to whoever reaches it. For a developer's own machine, and networks where all are trusted. */
export function createInsecureAuthority(): Authority {
  return () => Promise.resolve({});
}

/** The refusal of somebody who is known. `whose` says what would have to allow it. */
export function forbidden(action: Action, channel: string, whose?: string): Failure {
  const where = channel === '*' ? 'all channels' : `the channel "${channel}"`;
  const what = action === 'manage' ? `manage ${where}` : `${action} to ${where}`;
  return new Failure(
    'Forbidden',
    whose === undefined
      ? `the token does not allow to ${what}; its claim "${action}" lists what it allows`
      : `${whose} does not allow to ${what}`,
  );
}
