// Retention by channel: rules for channels whose names match a pattern, above the relay's own.
import { compileChannelPattern } from './channel.ts';
import type { Limits } from './limits.ts';

/** What of the limits says how long a channel keeps its events. */
export type RetentionLimits = Pick<Limits, 'retentionMs' | 'retentionBytes' | 'retentionEvents'>;

/** How long the channels keep their events whose names match; what it does not say is the relay's. */
export interface RetentionRule extends Partial<RetentionLimits> {
  /** A channel pattern, as `room:*`. */
  readonly channels: string;
}

/**
 * Makes what says which limits a channel has: the first rule that matches its name decides, above the relay's own.
 *
 * @example
 * ```ts
 * const limitsOf = compileRetention(defaultLimits, [{ channels: 'room:*', retentionMs: 3_600_000 }]);
 * limitsOf('room:42').retentionMs; // 3600000
 * ```
 */
export function compileRetention<Its extends RetentionLimits>(
  limits: Its,
  rules: readonly RetentionRule[] = [],
): (channel: string) => Its {
  const compiled = rules.map(({ channels, ...bounds }) => ({ matches: compileChannelPattern(channels), bounds }));
  return (channel) => ({ ...limits, ...compiled.find(({ matches }) => matches(channel))?.bounds });
}

/** What a log drops, at this moment. */
export function trimBoundsOf(
  { retentionMs, retentionBytes, retentionEvents }: RetentionLimits,
  now: number,
): { readonly before: number; readonly bytesMax: number; readonly eventsMax: number } {
  return { before: now - retentionMs, bytesMax: retentionBytes, eventsMax: retentionEvents };
}
