// Retention where nobody comes by: an object sleeps when it is not used, and an alarm wakes it to drop what is out of date.
import type { Logs, World } from '@godwit/core';
import { trimBoundsOf, type RetentionLimits } from '@godwit/core/protocol';

/** The alarm of a channel's object. It is set only while the channel holds something: each one is billed. */
export interface RetentionAlarm {
  /** This channel holds something. Never rejects. */
  arm(channel: string): Promise<void>;
  /** It was removed, and the alarm with it. */
  forget(): void;
  /** The alarm has gone off. */
  ring(): Promise<void>;
}

const hourMs = 60 * 60 * 1000;
/** An alarm further away than this is not worth a thought. */
const retentionMsMax = 30 * 24 * hourMs;
/** How much longer than its retention an event stays where nobody uses the channel, as a part of it. */
const overtime = 1 / 7;

/** Makes it. */
export function createAlarm(parts: {
  readonly storage: Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm'>;
  readonly logs: Logs;
  readonly world: Pick<World, 'now'>;
  readonly limitsOf: (channel: string) => RetentionLimits;
  readonly report: (error: unknown) => void;
}): RetentionAlarm {
  const { storage, logs, world, limitsOf, report } = parts;
  const afterMs = (channel: string): number => Math.min(limitsOf(channel).retentionMs, retentionMsMax);
  let isArmed = false;

  return {
    async arm(channel) {
      if (isArmed) return;
      isArmed = true;
      try {
        if ((await storage.getAlarm()) === null) await storage.setAlarm(world.now() + afterMs(channel));
      } catch (error) {
        // What was appended is kept, and is no failure; the next append tries again.
        isArmed = false;
        report(error);
      }
    },
    forget() {
      isArmed = false;
    },
    async ring() {
      isArmed = false;
      const [channel] = await logs.channels();
      if (channel === undefined) return;
      const log = await logs.open(channel);
      try {
        await log.trim(trimBoundsOf(limitsOf(channel), world.now()));
        const { head, tail } = await log.stat();
        if (head < tail) return;
        await storage.setAlarm(world.now() + Math.max(hourMs, afterMs(channel) * overtime));
        isArmed = true;
      } finally {
        await log.close();
      }
    },
  };
}
