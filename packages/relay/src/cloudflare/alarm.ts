// An object's one alarm, shared by all that want to be woken: an object sleeps when it is not used, and forgets its timers.
import type { World } from '@godwit/core';

/** What an alarm wakes. */
export interface Sleeper {
  /** The alarm has gone off, perhaps for another. Answers when it wants to be woken next, in the wall clock's milliseconds, if ever. */
  ring(): Promise<number | null>;
}

/** The alarm. */
export interface ObjectAlarm {
  /** It goes off by then, or before. Never rejects. */
  by(at: number): Promise<void>;
  /** The storage was erased, and the alarm with it. */
  forget(): void;
  /** Called by the platform, when it has gone off. Never rejects: after six failures in a row the platform tries no more. */
  ring(): Promise<void>;
}

/** Who could not be woken is woken again after this. */
const tryAgainMs = 60_000;

/**
 * Makes it. Setting an alarm is billed, as a row that is written: it is only ever moved to an earlier time, and whoever is
 * woken too early says so.
 *
 * @see https://developers.cloudflare.com/durable-objects/api/alarms/
 */
export function createAlarm(parts: {
  readonly storage: Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm'>;
  readonly world: Pick<World, 'now'>;
  readonly sleepers: readonly Sleeper[];
  readonly report: (error: unknown) => void;
}): ObjectAlarm {
  const { storage, world, sleepers, report } = parts;
  /** When it is known to go off; undefined where only the storage knows. */
  let armed: number | undefined;

  return {
    by,
    forget() {
      armed = undefined;
    },
    async ring() {
      // While this runs the platform has none, unless one is set meanwhile.
      armed = undefined;
      const times: number[] = [];
      for (const sleeper of sleepers) {
        try {
          const at = await sleeper.ring();
          if (at !== null) times.push(at);
        } catch (error) {
          report(error);
          times.push(world.now() + tryAgainMs);
        }
      }
      // Last of all: an alarm that is set stands in the way of the platform's own second try.
      if (times.length > 0) await by(Math.min(...times));
    },
  };

  async function by(at: number): Promise<void> {
    if (armed !== undefined && armed <= at) return;
    const before = armed;
    armed = at;
    try {
      const stored = before ?? (await storage.getAlarm()) ?? Infinity;
      // Somebody may have wanted it earlier while the storage was asked.
      armed = Math.min(armed, stored);
      if (armed < stored) await storage.setAlarm(armed);
    } catch (error) {
      // What was appended is kept, and is no failure; the next append tries again.
      armed = undefined;
      report(error);
    }
  }
}
