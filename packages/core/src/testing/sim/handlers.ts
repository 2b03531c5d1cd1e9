// The durable handlers that every simulated tab has: how often they try, how many events run at once, and which they are there for.
import type { LogEntry } from '../../ports/store.ts';

/** How often a durable handler tries. */
export const attemptsMax = 4;
/** How many events of one durable handler run at the same time in a tab, at most. */
export const concurrencyMax = 3;
/** Which durable handlers every tab has. */
export const handlerNames = ['plain', 'keyed', 'relayed'] as const;

/** Whether a durable handler is to handle an entry: those in the relay's order when it has come from there, the others at once. */
export function wants(handler: string): (entry: LogEntry) => boolean {
  return (entry) => entry.kind === 'event' && (handler === 'relayed' ? entry.offset !== null : !entry.echo);
}
