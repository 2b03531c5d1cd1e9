// Tells our own events, when they come back, from another's: they return in the order in which they were published.
import type { Position, Store } from '../ports/store.ts';

/** How many own events are looked at in one read. */
const chunk = 512;

/** Finds own events that have come back. */
export interface Echoes {
  /**
   * The position of the own event `id` behind the last one found; undefined where the log holds none, as after a lost
   * disk or in a cloned profile. Own events before the one found are passed over: they were refused, or will not come.
   */
  find(id: string): Promise<Position | undefined>;
}

/** Looks for echoes of `channel` behind the position `after`. */
export function createEchoes(store: Store, channel: string, after: Position): Echoes {
  // In the log's order, as a Map keeps it.
  const ahead = new Map<string, Position>();
  let loadedTo = after;
  return {
    async find(id) {
      while (!ahead.has(id)) {
        const more = await store.own(channel, loadedTo, chunk);
        if (more.length === 0) return undefined;
        for (const { event, position } of more) {
          ahead.set(event.id, position);
          loadedTo = position;
        }
      }
      const found = ahead.get(id);
      for (const passed of ahead.keys()) {
        ahead.delete(passed);
        if (passed === id) break;
      }
      return found;
    },
  };
}
