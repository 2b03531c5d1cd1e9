// Ephemeral events: told to whoever is there, in this tab, in the device's others and through the relay, and never stored.
import type { CloudEvent } from '../event/cloudevent.ts';
import { eventsIn } from '../event/write.ts';
import type { TabMessage, Tabs } from '../ports/tabs.ts';
import type { Sync } from '../sync/sync.ts';
import type { Delivery, Draft } from './engine.ts';

/** The most ephemeral events on their way to the application's thread. */
const inFlightMax = 1024;

/** One tab's ephemeral events. */
export interface Ephemeral {
  /** Those that this tab's application publishes: told here, in the other tabs, and, by whoever leads, to the relay. */
  publish(draft: Draft): void;
  /** Those that another tab tells of. */
  hear(message: Extract<TabMessage, { kind: 'ephemeral' }>): void;
  /** Those that the relay tells of, or, with `builtin`, this device itself. */
  tell(channel: string, events: readonly CloudEvent[], builtin?: true): void;
}

/** Makes a tab's ephemeral events. */
export function createEphemeral(parts: {
  readonly tabs: Pick<Tabs, 'announce' | 'exclusive'>;
  /** Another tab talks to the relay. */
  readonly isFollower: () => boolean;
  readonly hasRelay: boolean;
  /** The sync, while there is one. */
  readonly sync: () => Pick<Sync, 'relay'> | undefined;
  readonly deliver: (batch: readonly Delivery[]) => Promise<void>;
  readonly dropped: (channel: string, reason: string, events: number) => void;
}): Ephemeral {
  const { tabs, isFollower, hasRelay, sync, dropped } = parts;
  let inFlight = 0;

  return {
    publish({ text, channel }) {
      const events = eventsIn(text);
      deliver(channel, events);
      tabs.announce({ kind: 'ephemeral', channel, outbound: isFollower(), events });
      send(channel, events);
    },
    hear({ channel, events, builtin, outbound }) {
      deliver(channel, events, builtin);
      if (outbound) send(channel, events);
    },
    tell(channel, events, builtin) {
      // Where every tab talks to the relay, every tab has heard it.
      if (tabs.exclusive) tabs.announce({ kind: 'ephemeral', channel, outbound: false, events, builtin });
      deliver(channel, events, builtin);
    },
  };

  /** Whoever leads sends it, or counts it as dropped. */
  function send(channel: string, events: readonly CloudEvent[]): void {
    if (!hasRelay || isFollower()) return;
    const its = sync();
    if (its === undefined) dropped(channel, 'offline', events.length);
    else its.relay(channel, events);
  }

  function deliver(channel: string, events: readonly CloudEvent[], builtin?: true): void {
    if (inFlight + events.length > inFlightMax) {
      dropped(channel, 'overflow', events.length);
      return;
    }
    inFlight += events.length;
    void parts.deliver(events.map((event) => ({ kind: 'ephemeral', channel, event, builtin }))).finally(() => {
      inFlight -= events.length;
    });
  }
}
