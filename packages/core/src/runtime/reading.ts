// Which channels the device's one stream carries: those of all its tabs together.
import { channelsPerConnectionMax } from '../protocol/limits.ts';

/** A channel, and where a device begins that has never read it. */
type Named = readonly [name: string, from: string];

/** The channels of all tabs. */
export interface Reading {
  /** The union, in which this tab's own come first; changed in place. */
  readonly channels: ReadonlyMap<string, string>;
  /** A tab says what it reads; nothing, when it closes. Answers what that changed. */
  hear(
    tab: string,
    channels: readonly Named[],
  ): { readonly added: readonly Named[]; readonly removed: readonly string[]; readonly tooMany: boolean };
  /** Forgets the other tabs: those that live say again what they read. */
  forgetOthers(): void;
}

/** Makes the union, which begins with this tab's own channels. */
export function createReading(own: readonly Named[]): Reading {
  const channels = new Map<string, string>(own);
  const tabs = new Map<string, readonly Named[]>();

  return {
    channels,
    hear(tab, its) {
      if (its.length === 0) tabs.delete(tab);
      else tabs.set(tab, its);
      const wanted = new Map<string, string>(own);
      for (const list of tabs.values()) for (const [name, from] of list) if (!wanted.has(name)) wanted.set(name, from);
      // A relay takes no more on one connection; who came last waits for a tab to close.
      const kept = new Map([...wanted].slice(0, channelsPerConnectionMax));
      const removed = [...channels.keys()].filter((name) => !kept.has(name));
      const added = [...kept].filter(([name]) => !channels.has(name));
      for (const name of removed) channels.delete(name);
      for (const [name, from] of added) channels.set(name, from);
      return { added, removed, tooMany: kept.size < wanted.size };
    },
    forgetOthers() {
      tabs.clear();
      channels.clear();
      for (const [name, from] of own) channels.set(name, from);
    },
  };
}
