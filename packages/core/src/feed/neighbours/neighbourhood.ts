// A feed among those of other relays: what it hears of them while it has readers, what it tells them, and who is there in all.
import type { CloudEvent } from '../../event/cloudevent.ts';
import { Failure, textOf } from '../../failure.ts';
import type { ClientThere, NeighbourMessage, Neighbours } from '../../ports/neighbours.ts';
import type { Stop, World } from '../../ports/world.ts';
import { createPresence, type PresenceChange, type Present } from '../presence.ts';
import { createCrowd } from './crowd.ts';
import { decodeNeighbourMessage } from './decode.ts';
import { beatsPerLifetime, createElsewhere } from './elsewhere.ts';
import { partsOf } from './parts.ts';
import { createRoster } from './roster.ts';

/** What a feed hears of other relays, and the clients of all of them. */
export interface Neighbourhood {
  /** Somebody reads, or asks: the others are heard from now on, until nobody has read or asked for a client's lifetime. */
  listen(): void;
  /** An event was published here. */
  say(event: CloudEvent): void;
  /** See `Presence.join`. Behind `listen`. */
  join(clientId: string): Stop;
  /** The clients of all relays, by when they came. Who begins to listen by it asks first, and waits `askMs` for the answers. */
  list(): Promise<readonly Present[]>;
  /** How many clients are here, or have just gone. */
  readonly size: number;
  /** Forgets all of them, and tells nobody: other relays give them a lifetime to come to one of them. */
  stop(): void;
}

/** How long other relays have for an answer, in milliseconds: some round trips between distant places, and no wait that anybody minds. */
const askMs = 250;
/** Those that ask together are answered together, in milliseconds. */
const answerAfterMs = 10;
/** However short a client's lifetime is, no relay talks of it all the time. */
const beatMsMin = 100;

/** Makes it. It hears nothing, and sets no timer, before `listen`. */
export function createNeighbourhood(parts: {
  readonly channel: string;
  readonly neighbours: Neighbours;
  readonly world: Pick<World, 'now' | 'after'>;
  /** The same at all relays of a cluster: by it they judge each other's silence. */
  readonly lifetimeMs: number;
  /** The most clients that one relay is believed to have. */
  readonly clientsMax: number;
  readonly isRead: () => boolean;
  /** An ephemeral event was published at another relay. */
  readonly relay: (event: CloudEvent) => void;
  readonly tell: (type: PresenceChange, clientId: string) => void;
  readonly report: (failure: Failure) => void;
}): Neighbourhood {
  const { neighbours, world, lifetimeMs, clientsMax, isRead, relay, tell, report } = parts;
  const beatMs = Math.max(beatMsMin, lifetimeMs / beatsPerLifetime);
  const own = createRoster();
  const crowd = createCrowd({ world, isRead, tell });
  const ask = (of: string): void => neighbours.say({ kind: 'who', of });
  const elsewhere = createElsewhere({ crowd, clientsMax, ask });
  const here = createPresence({ world, lifetimeMs, clientsMax, tell: changed });
  let learning: PromiseWithResolvers<void> | undefined;
  let stopHearing: Stop | undefined;
  let stopLearning: Stop | undefined;
  let stopBeat: Stop | undefined;
  let stopAnswer: Stop | undefined;
  let idleBeats = 0;
  let isReported = false;
  let isStopped = false;

  return {
    listen,
    say: (event) => neighbours.say({ kind: 'ephemeral', event }),
    join: (clientId) => here.join(clientId),
    async list() {
      listen();
      await learning?.promise;
      return crowd.list();
    },
    get size() {
      return here.size;
    },
    stop() {
      isStopped = true;
      here.stop();
      rest();
    },
  };

  function listen(): void {
    idleBeats = 0;
    if (stopHearing !== undefined || isStopped) return;
    stopHearing = neighbours.hear(hear);
    learning = Promise.withResolvers();
    crowd.learn();
    neighbours.say({ kind: 'who' });
    stopLearning = world.after(askMs, () => {
      crowd.learned();
      learning?.resolve();
      learning = undefined;
    });
    stopBeat = world.after(beatMs, beat);
  }

  function rest(): void {
    for (const stop of [stopHearing, stopLearning, stopBeat, stopAnswer]) stop?.();
    [stopHearing, stopLearning, stopBeat, stopAnswer] = [undefined, undefined, undefined, undefined];
    learning?.resolve();
    learning = undefined;
    elsewhere.clear();
    crowd.clear();
  }

  function beat(): void {
    isReported = false;
    if (own.count > 0) neighbours.say({ kind: 'here', count: own.count, sum: own.sum });
    elsewhere.beat();
    // Longer than a lifetime: whoever was here has gone by then, and the others have been told.
    idleBeats = isRead() || here.size > 0 ? 0 : idleBeats + 1;
    if (idleBeats > beatsPerLifetime) rest();
    else stopBeat = world.after(beatMs, beat);
  }

  /** A client has come here, or its lifetime here has ended. */
  function changed(type: PresenceChange, clientId: string): void {
    if (type === 'client.connected') {
      own.add(clientId);
      crowd.add(clientId, world.now(), true);
      neighbours.say({ kind: 'came', clientId, since: crowd.sinceOf(clientId) });
    } else {
      own.delete(clientId);
      crowd.drop(clientId);
      neighbours.say({ kind: 'went', clientId });
    }
  }

  function hear(heard: unknown, from: string): void {
    const message = decoded(heard, from);
    if (message === undefined) return;
    switch (message.kind) {
      case 'ephemeral':
        return relay(message.event);
      case 'who':
        return answer(message.of);
      default:
        elsewhere.hear(message, from);
    }
  }

  function decoded(heard: unknown, from: string): NeighbourMessage | undefined {
    try {
      return decodeNeighbourMessage(heard);
    } catch (error) {
      // One of many says it all.
      if (isReported) return undefined;
      isReported = true;
      const message = `passed over what the relay "${from}" said of "${parts.channel}": ${textOf(error)}`;
      report(new Failure('InvalidRequest', message, { cause: error }));
      return undefined;
    }
  }

  function answer(of: string | undefined): void {
    if (own.count === 0 || (of !== undefined && of !== neighbours.id)) return;
    stopAnswer ??= world.after(answerAfterMs, () => {
      stopAnswer = undefined;
      for (const part of partsOf(clientsHere())) neighbours.say(part);
    });
  }

  function* clientsHere(): Generator<ClientThere> {
    for (const clientId of own) yield [clientId, crowd.sinceOf(clientId)];
  }
}
