// After an epoch change the relay tells again what it holds: what the device's log has already is not merged twice.
import { identityOf, type CloudEvent } from '../event/cloudevent.ts';
import type { Store } from '../ports/store.ts';

/** How many entries one read of the scan brings. */
const chunk = 512;

/** What the device's log holds of one channel. */
export interface Held {
  /** `merged`: it came from the relay before. `own`: it was published here and has not come back yet. */
  kindOf(event: CloudEvent): 'merged' | 'own' | undefined;
  /** The event has been merged now. */
  add(event: CloudEvent): void;
}

/** Reads the whole log once. Rare (an epoch ended), so its cost is accepted; the log's retention bounds it. */
export async function scanHeld(store: Store, channel: string): Promise<Held> {
  const merged = new Set<string>();
  const own = new Set<string>();
  for (let after = 0, atHead = false; !atHead;) {
    const run = await store.read(after, chunk);
    for (const entry of run.entries) {
      if (entry.kind === 'event' && entry.channel === channel) {
        (entry.offset === null ? own : merged).add(identityOf(entry.event));
      }
    }
    after = run.next;
    atHead = run.atHead;
  }
  return {
    kindOf(event) {
      const identity = identityOf(event);
      if (merged.has(identity)) return 'merged';
      return own.has(identity) ? 'own' : undefined;
    },
    add(event) {
      merged.add(identityOf(event));
    },
  };
}
