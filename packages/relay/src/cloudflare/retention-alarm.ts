// Retention where nobody comes by: an alarm drops what is out of date.
import type { Logs, World } from '@godwit/core';
import { trimBoundsOf, type RetentionLimits } from '@godwit/core/protocol';
import type { Sleeper } from './alarm.ts';

/** Retention, woken by the object's alarm. */
export interface RetentionSleeper extends Sleeper {
  /** When what is appended now is out of date: the alarm is set only while the channel holds something. */
  dueMs(channel: string): number;
}

const hourMs = 60 * 60 * 1000;
/** An alarm further away than this is not worth a thought. */
const retentionMsMax = 30 * 24 * hourMs;
/** How much longer than its retention an event stays where nobody uses the channel, as a part of it. */
const overtime = 1 / 7;

/** Makes it. */
export function createRetentionSleeper(parts: {
  readonly logs: Logs;
  readonly world: Pick<World, 'now'>;
  readonly limitsOf: (channel: string) => RetentionLimits;
}): RetentionSleeper {
  const { logs, world, limitsOf } = parts;
  const afterMs = (channel: string): number => Math.min(limitsOf(channel).retentionMs, retentionMsMax);
  return {
    dueMs: (channel) => world.now() + afterMs(channel),
    async ring() {
      const [channel] = await logs.channels();
      if (channel === undefined) return null;
      const log = await logs.open(channel);
      try {
        await log.trim(trimBoundsOf(limitsOf(channel), world.now()));
        const { head, tail } = await log.stat();
        return head < tail ? null : world.now() + Math.max(hourMs, afterMs(channel) * overtime);
      } finally {
        await log.close();
      }
    },
  };
}
