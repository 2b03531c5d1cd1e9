// Which entries of a device's log a simulated tab's handlers are there for.
import type { LogEntry } from '../../ports/store.ts';
import type { Disk } from './device.ts';
import { wants } from './handlers.ts';

/** What a durable handler is to handle of all that was ever in a log: not what had gone before the handler first came. */
export function wantedOf(disk: Disk, handler: string): readonly Extract<LogEntry, { kind: 'event' }>[] {
  const isWanted = wants(handler);
  return disk.entries().flatMap((entry) => {
    const then = disk.facts.gone.get(entry.position);
    return entry.kind === 'event' && isWanted(entry) && then?.includes(handler) !== false ? [entry] : [];
  });
}
