// What every route is made of.
import type { Failure, World } from '@godwit/core';
import type { Channels } from '@godwit/core/feed';
import type { Limits } from '@godwit/core/protocol';
import type { Authority } from '../authority/authority.ts';

/** What the app stands on: the same on Node and on Workers. */
export interface RelayParts {
  readonly channels: Channels;
  readonly authority: Authority;
  readonly limits: Limits;
  readonly world: World;
  /** Hears what went wrong on the relay's side. */
  readonly report: (failure: Failure) => void;
}
