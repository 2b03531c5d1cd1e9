// Who is at the other relays: a roster of each, kept in step with what it says, and forgotten once it has fallen silent.
import type { ClientThere, NeighbourMessage } from '../../ports/neighbours.ts';
import type { Crowd } from './crowd.ts';
import { createRoster, type Roster } from './roster.ts';

/** What a relay says of its own clients. */
export type RosterMessage = Extract<NeighbourMessage, { readonly kind: 'came' | 'went' | 'here' | 'present' }>;

/** The other relays' clients. */
export interface Elsewhere {
  hear(message: RosterMessage, from: string): void;
  /** A beat has passed. Who was silent for too many has ended, and its clients with it. */
  beat(): void;
  readonly relays: number;
  clear(): void;
}

/** How often a relay says in a client's lifetime that it has clients. */
export const beatsPerLifetime = 4;
/**
 * After so many beats of silence a relay has ended. It may have ended right before it was to say something: that is one lifetime at
 * the least, in which its clients come back elsewhere, and one and a half at most. Four of its messages may be lost in a row.
 */
const silentBeatsMax = beatsPerLifetime + 1;
/** More relays than anybody runs: beyond, the newest are passed over. */
const relaysMax = 1000;

/** Another relay. */
interface Relay {
  readonly roster: Roster;
  silentBeats: number;
  /** What has come of a list in parts, and which part is next. */
  incoming: Map<string, number> | undefined;
  nextPart: number;
}

/** Makes it, of no relays. */
export function createElsewhere(parts: {
  readonly crowd: Crowd;
  /** Beyond so many clients of one relay, the others are passed over. */
  readonly clientsMax: number;
  /** What that relay has told does not add up: something was lost. */
  readonly ask: (of: string) => void;
}): Elsewhere {
  const { crowd, clientsMax, ask } = parts;
  const relays = new Map<string, Relay>();

  return {
    hear(message, from) {
      const relay = relays.get(from) ?? meet(from);
      if (relay === undefined) return;
      relay.silentBeats = 0;
      const { roster } = relay;
      switch (message.kind) {
        case 'came':
          if (roster.count < clientsMax) add(roster, message.clientId, message.since, true);
          break;
        case 'went':
          if (roster.delete(message.clientId)) crowd.drop(message.clientId);
          break;
        case 'here':
          if (message.count === roster.count && message.sum === roster.sum) break;
          if (message.count <= clientsMax) ask(from);
          break;
        case 'present':
          takePart(relay, message.part, message.clients);
          if (message.isLast) replace(relay);
      }
    },
    beat() {
      for (const [from, relay] of relays) {
        relay.silentBeats += 1;
        if (relay.silentBeats <= silentBeatsMax) continue;
        relays.delete(from);
        for (const clientId of relay.roster) crowd.drop(clientId);
      }
    },
    get relays() {
      return relays.size;
    },
    clear: () => relays.clear(),
  };

  function meet(from: string): Relay | undefined {
    if (relays.size >= relaysMax) return undefined;
    const relay = { roster: createRoster(), silentBeats: 0, incoming: undefined, nextPart: 0 };
    relays.set(from, relay);
    return relay;
  }

  function add(roster: Roster, clientId: string, since: number, isNews: boolean): void {
    if (roster.add(clientId)) crowd.add(clientId, since, isNews);
  }

  /** One that does not follow the one before ends the list: it is asked for again. */
  function takePart(relay: Relay, part: number, clients: readonly ClientThere[]): void {
    if (part === 0) relay.incoming = new Map();
    else if (part !== relay.nextPart) relay.incoming = undefined;
    relay.nextPart = part + 1;
    const { incoming } = relay;
    if (incoming === undefined) return;
    for (const [clientId, since] of clients) incoming.set(clientId, since);
    if (incoming.size > clientsMax) relay.incoming = undefined;
  }

  function replace(relay: Relay): void {
    const { incoming, roster } = relay;
    relay.incoming = undefined;
    if (incoming === undefined) return;
    for (const clientId of roster) {
      if (incoming.has(clientId)) continue;
      roster.delete(clientId);
      crowd.drop(clientId);
    }
    for (const [clientId, since] of incoming) add(roster, clientId, since, false);
  }
}
