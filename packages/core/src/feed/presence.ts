// Who is on a channel: the readers that say who they are, from their first connection to a while after their last.
import type { Stop, World } from '../ports/world.ts';

/** A client that is there. */
export interface Present {
  readonly clientId: string;
  /** RFC 3339: when it came. */
  readonly since: string;
}

/** What the readers of a channel are told of a client, by an ephemeral event of this type. */
export type PresenceChange = 'client.connected' | 'client.disconnected';

/** The clients of one channel at this relay. */
export interface Presence {
  /** A connection of this client has begun; what is returned is called at its end. */
  join(clientId: string): Stop;
  /** In the order in which they came. */
  list(): readonly Present[];
  /** With those that have just gone, and may be back. */
  readonly size: number;
  /** Forgets all of them, and tells nobody. */
  stop(): void;
}

/** A client, and its connections. */
interface Member {
  readonly since: string;
  connections: number;
  stopLeaving: Stop | undefined;
}

/** Makes an empty presence. `tell` hears of the first connection of a client, and of its end: `lifetimeMs` after its last. */
export function createPresence(parts: {
  readonly world: Pick<World, 'now' | 'after'>;
  readonly lifetimeMs: number;
  /** Beyond so many clients, one that goes is not waited for. */
  readonly clientsMax: number;
  readonly tell: (type: PresenceChange, clientId: string) => void;
}): Presence {
  const { world, lifetimeMs, clientsMax, tell } = parts;
  const members = new Map<string, Member>();

  return {
    join(clientId) {
      const member = members.get(clientId) ?? arrive(clientId);
      member.stopLeaving?.();
      member.stopLeaving = undefined;
      member.connections += 1;
      let isOver = false;
      return () => {
        if (isOver || members.get(clientId) !== member) return;
        isOver = true;
        member.connections -= 1;
        if (member.connections > 0) return;
        const leave = (): void => {
          members.delete(clientId);
          tell('client.disconnected', clientId);
        };
        if (members.size > clientsMax) leave();
        else member.stopLeaving = world.after(lifetimeMs, leave);
      };
    },
    list: () => [...members].map(([clientId, { since }]) => ({ clientId, since })),
    get size() {
      return members.size;
    },
    stop() {
      for (const { stopLeaving } of members.values()) stopLeaving?.();
      members.clear();
    },
  };

  function arrive(clientId: string): Member {
    const member = { since: new Date(world.now()).toISOString(), connections: 0, stopLeaving: undefined };
    members.set(clientId, member);
    tell('client.connected', clientId);
    return member;
  }
}
