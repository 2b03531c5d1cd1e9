// What every route is made of.
import type { Telemetry, World } from '@godwit/core';
import type { Channels } from '@godwit/core/feed';
import type { Limits } from '@godwit/core/protocol';
import type { Authority } from '../authority/authority.ts';

/** What the app stands on: the same on Node and on Workers. */
export interface RelayParts {
  readonly channels: Channels;
  readonly authority: Authority;
  readonly limits: Limits;
  readonly world: World;
  /** Counts, times and follows what is appended. */
  readonly telemetry?: Telemetry | undefined;
}
