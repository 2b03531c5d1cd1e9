// Liveness while the world runs: where a device has work for a durable handler and a tab that is well, the handler moves.
import type { SimDevice } from './sim-device.ts';
import { handlerNames } from './handlers.ts';
import type { SimTab } from './sim-tab.ts';
import { wantedOf } from './wants.ts';

/** How long a handler may stand still with work to do, in elapsed milliseconds: two leases, and the time it takes to count as well. */
const stallMsMax = 90_000;

/** Watches the durable handlers of every device. */
export interface Stalls {
  /** Looks at how they stand now. */
  look(devices: readonly SimDevice[]): void;
}

/** What was last seen of one handler. */
interface Seen {
  readonly beat: number;
  readonly term: number;
  /** Since when it has stood so, with work that is due. */
  readonly since: number;
}

/** Makes the watch. `isWell` tells whether nothing excuses a tab. */
export function createStalls(parts: {
  readonly isWell: (tab: SimTab) => boolean;
  readonly fail: (message: string) => void;
  readonly elapsed: () => number;
}): Stalls {
  const { isWell, fail, elapsed } = parts;
  const seen = new Map<string, Seen>();
  const dueAt = new Map<string, number>();

  return {
    look(devices) {
      for (const device of devices) {
        const awake = device.tabs.find((tab) => tab.disk === device.disk && isWell(tab));
        for (const handler of handlerNames) {
          const key = `${device.disk.source} ${handler}`;
          const record = device.disk.handlers().find(({ name }) => name === handler);
          const before = seen.get(key);
          if (record === undefined || awake === undefined || !isDue(device, handler)) {
            seen.delete(key);
            continue;
          }
          const { beat, term } = record;
          if (before?.beat !== beat || before.term !== term) seen.set(key, { beat, term, since: elapsed() });
          else if (elapsed() - before.since > stallMsMax)
            fail(
              `${device.name} has done nothing for "${handler}" for ${elapsed() - before.since} ms, and ${awake.name} is well`,
            );
        }
      }
    },
  };

  /** Whether there is something to do, by the world's time: no clock's jump moves what is due. */
  function isDue({ disk }: SimDevice, handler: (typeof handlerNames)[number]): boolean {
    const record = disk.handlers().find(({ name }) => name === handler);
    if (record === undefined) return false;
    if (record.rows.running > 0 || record.cursor < record.claimed) return true;
    if (disk.rows(handler).some((row) => row.state === 'waiting' && elapsed() >= due(`${disk.source} ${handler}`, row)))
      return true;
    const { own, acknowledged } = disk.facts;
    // What a tab stored and was never told of, since it hangs or died in that call, the others hear of with the next news.
    return wantedOf(disk, handler).some(
      ({ position, event: { id }, offset }) =>
        position > record.claimed && (offset !== null || !own.has(id) || acknowledged.has(id)),
    );
  }

  /** A row was put at most so long before it was first seen. */
  function due(its: string, { position, at, delayMs }: { position: number; at: number; delayMs: number }): number {
    const key = `${its} ${position} ${at}`;
    const known = dueAt.get(key) ?? elapsed() + delayMs;
    dueAt.set(key, known);
    return known;
  }
}
