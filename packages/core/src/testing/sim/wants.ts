// Which entries of a device's log a simulated tab's handlers are there for.
import type { LogEntry } from '../../ports/store.ts';

/** Whether a durable handler is to handle an entry: those in the relay's order when it has come from there, the others at once. */
export function wants(handler: string): (entry: LogEntry) => boolean {
  return (entry) => entry.kind === 'event' && (handler === 'relayed' ? entry.offset !== null : !entry.echo);
}
