// What everybody was told, written down outside of everything that fails: the truth that the relay's log is compared with.
import type { Acknowledged, Heard, Orders, Tale } from './tale.ts';

/** An event that somebody was told is kept. */
export interface Kept extends Acknowledged {
  readonly by: string;
  /** Where the relay said that it is; null: a device's disk has it, the relay not yet. */
  readonly offset: string | null;
}

/** One tab, from its first word to its last. */
export interface TabStory {
  readonly tab: string;
  readonly device: string;
  /** In the order of its handlers. */
  readonly heard: Heard[];
  /** How it last said that it stands. */
  last: Tale;
  /** When it said so, in milliseconds of this process. */
  at: number;
}

/** The journal. */
export interface Journal {
  readonly kept: readonly Kept[];
  readonly tabs: ReadonlyMap<string, TabStory>;
  /** By device: the ids of the orders that its durable handler has handled. */
  readonly handled: ReadonlyMap<string, ReadonlySet<string>>;
  /** Calls of publish that were refused, by the failure's name. */
  readonly refused: ReadonlyMap<string, number>;
  /** When the newest event of somebody else that a tab of this device has heard was published, as `at`. */
  heardAt(device: string): number;
  keep(event: Kept): void;
  told(tale: Tale, orders: Orders): Orders;
  ledger(tab: string, ids: readonly string[]): void;
}

/** Who publishes past all browsers. */
export const publisherName = 'publisher';

/** The device of a tab. */
export function deviceOf(tab: string): string {
  return tab.split('.')[0] ?? '';
}

/** Makes an empty journal. `now` counts milliseconds. */
export function createJournal(now: () => number): Journal {
  const kept: Kept[] = [];
  const tabs = new Map<string, TabStory>();
  const handled = new Map<string, Set<string>>();
  const refused = new Map<string, number>();
  const heardAt = new Map<string, number>();

  return {
    kept,
    tabs,
    handled,
    refused,
    heardAt: (device) => heardAt.get(device) ?? 0,
    keep: (event) => void kept.push(event),
    told(tale, orders) {
      const { tab } = tale;
      const device = deviceOf(tab);
      const story = tabs.get(tab) ?? { tab, device, heard: [], last: { ...tale, turn: 0 }, at: 0 };
      tabs.set(tab, story);
      story.at = now();
      // The answer to this tale was lost, and it has come again.
      if (tale.turn <= story.last.turn) return orders;
      story.last = { ...tale, acknowledged: [], heard: [] };
      for (const event of tale.acknowledged) kept.push({ ...event, by: tab, offset: null });
      for (const item of tale.heard) {
        story.heard.push(item);
        if ('by' in item && deviceOf(item.by) !== device)
          heardAt.set(device, Math.max(heardAt.get(device) ?? 0, item.at));
      }
      for (const [name, count] of Object.entries(tale.refused)) refused.set(name, (refused.get(name) ?? 0) + count);
      return orders;
    },
    ledger(tab, ids) {
      const device = deviceOf(tab);
      const its = handled.get(device) ?? new Set();
      handled.set(device, its);
      for (const id of ids) its.add(id);
    },
  };
}
