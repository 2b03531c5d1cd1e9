// For the feeds of several relays: one log, one channel, and what goes wrong between them.
import { createMemoryLogs } from '../../memory/log.ts';
import { createMemoryCluster } from '../../memory/neighbours.ts';
import type { Failure } from '../../failure.ts';
import type { Log } from '../../ports/log.ts';
import type { NeighbourMessage, Neighbours } from '../../ports/neighbours.ts';
import { defaultLimits, type Limits } from '../../protocol/limits.ts';
import { createTestWorld, type TestWorld } from '../../testing/world.ts';
import { createFeed, type Feed } from '../feed.ts';
import type { StreamQuery } from '../query.ts';

/** Somebody who reads at a relay. */
export interface ClusterReader {
  /** What it was shown: events by their id, and those about clients as `came alice` and `went alice`. */
  readonly shown: readonly string[];
  leave(): void;
}

/** A relay of the cluster. */
export interface ClusterRelay {
  readonly feed: Feed;
  /** What it has said, in its order, also what was lost. */
  readonly said: readonly NeighbourMessage[];
  readonly reported: readonly Failure[];
  read(query?: Partial<StreamQuery>): Promise<ClusterReader>;
  /** Who is there, as it lists them. Time passes, where it has to ask. */
  clients(): Promise<readonly string[]>;
  /** It has died: it says nothing and hears nothing any more. */
  die(): void;
  /** Those of its messages are lost from now on of which this is true. */
  lose(isLost: (message: NeighbourMessage) => boolean): void;
  /** Its log answers nothing that is appended from now on, though it has it, until what is returned is called. */
  holdAnswers(): () => void;
}

/** Relays that serve one channel from one log. */
export interface Cluster {
  readonly world: TestWorld;
  /** Another relay; its clock may be wrong. */
  relay(clockOffMs?: number): ClusterRelay;
  /** Somebody in the cluster who can say anything. */
  stranger(): Neighbours;
}

/** Makes a cluster without relays. */
export function createCluster(limits: Partial<Limits> = {}): Cluster {
  const world = createTestWorld();
  const logs = createMemoryLogs(world);
  const cluster = createMemoryCluster();

  return { world, relay, stranger: () => cluster.relay()('room:1') };

  function relay(clockOffMs = 0): ClusterRelay {
    const own = cluster.relay()('room:1');
    const said: NeighbourMessage[] = [];
    const reported: Failure[] = [];
    let isDead = false;
    let answers: Promise<void> = Promise.resolve();
    let isLost: ((message: NeighbourMessage) => boolean) | undefined;
    const neighbours: Neighbours = {
      id: own.id,
      say(message) {
        said.push(message);
        if (!isDead && isLost?.(message) !== true) own.say(message);
      },
      hear: (listener) => own.hear((message, from) => (isDead ? undefined : listener(message, from))),
    };
    const feed = createFeed({
      channel: 'room:1',
      async open() {
        const log = await logs.open('room:1');
        const append: Log['append'] = async (...batch) => {
          const appended = await log.append(...batch);
          await answers;
          return appended;
        };
        return { ...log, append };
      },
      remove: () => logs.remove('room:1'),
      world: { ...world, now: () => world.now() + clockOffMs },
      limits: { ...defaultLimits, ...limits },
      report: (failure) => reported.push(failure),
      neighbours,
    });
    return {
      feed,
      said,
      reported,
      read: (query) => readAt(feed, query),
      async clients() {
        const listed = feed.presence();
        await world.advance(250);
        return (await listed).map(({ clientId }) => clientId);
      },
      die: () => void (isDead = true),
      lose: (next) => void (isLost = next),
      holdAnswers() {
        const held = Promise.withResolvers<void>();
        answers = held.promise;
        return held.resolve;
      },
    };
  }
}

async function readAt(feed: Feed, query: Partial<StreamQuery> = {}): Promise<ClusterReader> {
  const shown: string[] = [];
  const decoder = new TextDecoder();
  const attach = await feed.subscribe({ after: 'latest', types: [], heartbeat: false, ...query });
  const subscription = attach({
    send(bytes) {
      // Events have no name of their own in the stream.
      for (const [, json = ''] of decoder.decode(bytes).matchAll(/(?<=^|\n\n)(?:id: .*\n)?data: (.*)/g)) {
        shown.push(nameOf(JSON.parse(json)));
      }
      return true;
    },
    close: () => undefined,
  });
  return { shown, leave: () => subscription.detach() };
}

function nameOf({
  id,
  type,
  subject,
}: {
  readonly id: string;
  readonly type: string;
  readonly subject?: string;
}): string {
  if (type === 'client.connected') return `came ${subject}`;
  return type === 'client.disconnected' ? `went ${subject}` : id;
}
