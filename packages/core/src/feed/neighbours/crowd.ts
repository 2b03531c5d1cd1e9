// Who is there, at whichever relay: each client once, from the first relay that has it to the last.
import type { Stop, World } from '../../ports/world.ts';
import type { PresenceChange, Present } from '../presence.ts';

/** All the clients of a channel. */
export interface Crowd {
  /**
   * One more relay has it, and is the first as far as that relay knows where it is `news`; otherwise it may have been there
   * for long.
   */
  add(clientId: string, since: number, isNews: boolean): void;
  /** One relay fewer has it. */
  drop(clientId: string): void;
  /** When it came, in wall-clock milliseconds: the earliest that any relay said. */
  sinceOf(clientId: string): number;
  /** In the order in which they came, as far as relays agree on the time. */
  list(): readonly Present[];
  /** Others are being asked: until `learned`, nobody is told of anything. */
  learn(): void;
  /** Whoever was not there before is told of now. */
  learned(): void;
  /** Forgets all of them, and tells nobody. */
  clear(): void;
}

/** A client, and what its readers know of it. */
interface Client {
  since: number;
  /** How many relays have it. */
  relays: number;
  /** Readers believe that it is there. */
  isTold: boolean;
}

/** So many are told of before everybody else has a turn, where many come or go at once: sockets take what they have, and have room. */
const toldPerTurn = 64;

/** Makes an empty crowd. `tell` hears who comes and who goes, once for each. */
export function createCrowd(parts: {
  readonly world: Pick<World, 'after'>;
  /** Somebody is there to be told. */
  readonly isRead: () => boolean;
  readonly tell: (type: PresenceChange, clientId: string) => void;
}): Crowd {
  const { world, isRead, tell } = parts;
  const clients = new Map<string, Client>();
  /** Those whom readers may know wrongly. */
  const changed = new Set<string>();
  let isLearning = false;
  let stopTurn: Stop | undefined;

  return {
    add(clientId, since, isNews) {
      const client = clients.get(clientId) ?? { since, relays: 0, isTold: !isRead() };
      clients.set(clientId, client);
      client.since = Math.min(client.since, since);
      client.relays += 1;
      // It was there before anybody here could know.
      if (isLearning && !isNews) client.isTold = true;
      if (!client.isTold) change(clientId);
    },
    drop(clientId) {
      const client = clients.get(clientId);
      if (client === undefined) return;
      client.relays -= 1;
      if (client.relays === 0) change(clientId);
    },
    sinceOf: (clientId) => clients.get(clientId)?.since ?? 0,
    list() {
      const there = [...clients].filter(([, { relays }]) => relays > 0);
      return there
        .sort(([, one], [, other]) => one.since - other.since)
        .map(([clientId, { since }]) => ({ clientId, since: new Date(since).toISOString() }));
    },
    learn() {
      isLearning = true;
    },
    learned() {
      isLearning = false;
      if (stopTurn === undefined) tellSome();
    },
    clear() {
      stopTurn?.();
      [stopTurn, isLearning] = [undefined, false];
      clients.clear();
      changed.clear();
    },
  };

  function change(clientId: string): void {
    changed.add(clientId);
    if (!isLearning && stopTurn === undefined) tellSome();
  }

  function tellSome(): void {
    stopTurn = undefined;
    let left = toldPerTurn;
    for (const clientId of changed) {
      if (left === 0) {
        stopTurn = world.after(0, tellSome);
        return;
      }
      left -= 1;
      changed.delete(clientId);
      tellOf(clientId);
    }
  }

  function tellOf(clientId: string): void {
    const client = clients.get(clientId);
    if (client === undefined) return;
    const isThere = client.relays > 0;
    if (!isThere) clients.delete(clientId);
    if (client.isTold === isThere) return;
    client.isTold = isThere;
    tell(isThere ? 'client.connected' : 'client.disconnected', clientId);
  }
}
