// Handlers that stand at the same place of the log, as most do, read it together.
import type { LogRun, Store } from '../ports/store.ts';
import type { LogReader } from './wants.ts';

/**
 * Reads once what is asked for in one tick. Whoever was not the first gets copies of what it wants: what a handler does to
 * its event no other one sees.
 */
export function sharedRead(store: Pick<Store, 'read'>): LogReader['read'] {
  const asked = new Map<string, Promise<LogRun>>();

  return async (after, limit, wants = () => true) => {
    const place = `${after} ${limit}`;
    const others = asked.get(place);
    // It begins behind the tick: who joined one that is under way would miss what was stored since.
    const reading =
      others ??
      Promise.resolve().then(() => {
        asked.delete(place);
        return store.read(after, limit);
      });
    asked.set(place, reading);
    const run = await reading;
    return others === undefined ? run : { ...run, entries: structuredClone(run.entries.filter(wants)) };
  };
}
