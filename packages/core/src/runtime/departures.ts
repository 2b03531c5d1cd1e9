// Which tabs of the device end without a word: what such a one has stored, and not told of, is looked for.
import type { Tabs } from '../ports/tabs.ts';

/** The tabs that a leader has heard of. */
export interface Departures {
  /** A tab says that it is there, or, with `isHere` false, that it closes. */
  hear(tab: string, isHere: boolean): void;
}

/** Waits for the end of each, until the signal aborts. `departed` hears of those that did not say that they close. */
export function watchDepartures(parts: {
  readonly tabs: Pick<Tabs, 'gone'>;
  readonly departed: (tab: string) => void;
  readonly signal: AbortSignal;
}): Departures {
  const { tabs, departed, signal } = parts;
  const waiting = new Map<string, AbortController>();

  return {
    hear(tab, isHere) {
      if (!isHere) {
        waiting.get(tab)?.abort();
        waiting.delete(tab);
      } else if (!waiting.has(tab) && !signal.aborted) void wait(tab);
    },
  };

  async function wait(tab: string): Promise<void> {
    const its = new AbortController();
    waiting.set(tab, its);
    // A platform that cannot say who is gone is one where each tab speaks for itself.
    const isGone = await tabs.gone(tab, AbortSignal.any([signal, its.signal])).catch(() => false);
    if (!isGone || its.signal.aborted || signal.aborted) return;
    waiting.delete(tab);
    departed(tab);
  }
}
