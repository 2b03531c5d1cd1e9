// Streams in memory that several relays of one process share, and whatever can go wrong between them and their host.
import { Failure, type Stop, type World } from '@godwit/core';
import type { Message, StoredMessage, Stream, Streams } from '../stream.ts';

/**
 * What becomes of an append whose answer is lost: it is stored, it is not, or it is stored a while after it was given up, if it
 * still can be.
 */
export type AppendFault = 'stored' | 'lost' | 'late';

/** What goes wrong. Whoever tests changes it as time goes on; a seeded test asks its chance. */
export interface MemoryFaults {
  /** Asked for each append; undefined where nothing is to happen to it. */
  append?: ((stream: string) => AppendFault | undefined) | undefined;
  /** How long each way between a relay and the host takes, in milliseconds; to a follower, nothing is overtaken on it. */
  travelMs?: (() => number) | undefined;
  /** How much later than that a follower hears of a message, in milliseconds. */
  followMs?: ((stream: string) => number) | undefined;
}

/** Where the streams are kept. */
export interface MemoryHost {
  readonly faults: MemoryFaults;
  /** A relay's way to them. */
  connect(): MemoryStreams;
  /** It does not answer until it is back. */
  leave(): void;
  /** Back again, without so many of the newest messages of each stream: their numbers are given once more. */
  back(lost?: number): void;
  /** Removes a stream, as whoever runs the host may. */
  remove(stream: string): void;
  /** What a stream holds. */
  held(stream: string): readonly StoredMessage[];
  /** Puts a message in that is nobody's of ours. */
  intrude(stream: string, body: Uint8Array): void;
}

/** One relay's streams. */
export interface MemoryStreams extends Streams {
  /** Nothing goes between this relay and the host until that is mended. */
  cut(): void;
  mend(): void;
}

interface Kept {
  readonly messages: StoredMessage[];
  newest: number;
}

/** As NATS has it where nobody says otherwise, less what it takes for itself. */
const messageBytes = 1024 * 1024 - 512;
/** How long after it was given up an append that is late is stored, in milliseconds. */
const lateMs = 700;
const retryAfterMs = 1000;

/** Makes a host with nothing in it. */
export function createMemoryHost(options: { readonly world: World; readonly messageBytesMax?: number }): MemoryHost {
  const { world, messageBytesMax = messageBytes } = options;
  const faults: MemoryFaults = {};
  const streams = new Map<string, Kept>();
  /** The followers, which look again at each change. */
  const followers = new Set<() => void>();
  /** What tells each relay that the host is back. */
  const connections = new Set<() => void>();
  let isAway = false;

  /** One way between a relay and the host: never within the same turn. */
  const travel = (more = 0): Promise<void> => {
    const ms = (faults.travelMs?.() ?? 0) + more;
    return ms <= 0 ? Promise.resolve() : new Promise((resolve) => void world.after(ms, resolve));
  };
  const changed = (): void => {
    for (const look of followers) look();
  };
  const store = (name: string, { head, body }: Message, behind?: number): number | undefined => {
    const kept = streams.get(name);
    if (kept === undefined) throw new Failure('StorageFailed', `there is no stream "${name}"`, { retryAfterMs });
    if (behind !== undefined && kept.newest !== behind) return undefined;
    kept.newest += 1;
    kept.messages.push({ number: kept.newest, head, body: body.slice() });
    changed();
    return kept.newest;
  };
  const held = (name: string): readonly StoredMessage[] => [...(streams.get(name)?.messages ?? [])];

  const connect = (): MemoryStreams => {
    let isCut = false;
    let isClosed = false;
    const stops = new Set<Stop>();
    const listeners = new Set<() => void>();
    const isThere = (): boolean => !isAway && !isCut && !isClosed;
    const assertThere = (): void => {
      if (isClosed) throw new Failure('Closed', 'the streams are closed');
      if (!isThere()) throw away();
    };
    /** Asks the host. It may have done what it was asked for though its answer does not come. */
    const ask = async <Answer>(act: () => Answer): Promise<Answer> => {
      assertThere();
      await travel();
      assertThere();
      const answer = act();
      await travel();
      assertThere();
      return answer;
    };
    const returned = (): void => {
      for (const listener of listeners) if (isThere()) listener();
    };
    connections.add(returned);

    const stream = (name: string): Stream => ({
      create: () =>
        ask(() => {
          if (!streams.has(name)) streams.set(name, { messages: [], newest: 0 });
        }),
      async append(message, behind) {
        const bytes = new TextEncoder().encode(message.head).length + message.body.length;
        if (bytes > messageBytesMax) {
          throw new Failure('TooLarge', `a message has ${bytes} bytes, and may have ${messageBytesMax}`);
        }
        const fault = faults.append?.(name);
        if (fault === undefined) return ask(() => store(name, message, behind));
        if (fault === 'stored') await ask(() => store(name, message, behind));
        else await ask(() => undefined);
        if (fault === 'late') {
          world.after(lateMs, () => {
            if (streams.has(name)) store(name, message, behind);
          });
        }
        throw away();
      },
      newest: () =>
        ask(() => {
          const { newest = 0 } = streams.get(name) ?? {};
          if (newest === 0) return undefined;
          return { number: newest, head: held(name).find(({ number }) => number === newest)?.head ?? '' };
        }),
      read: (number) => ask(() => held(name).find((message) => message.number === number)),
      async *heads(from) {
        const there = await ask(() => held(name));
        for (const { number, head } of there) if (number >= from) yield { number, head };
      },
      follow(from, hears, gone) {
        const followed = streams.get(name);
        let next = from;
        let isLooking = false;
        const stop = (): void => {
          followers.delete(look);
          stops.delete(stop);
        };
        const look = (): void => {
          if (!isLooking) void tell();
        };
        const tell = async (): Promise<void> => {
          isLooking = true;
          for (;;) {
            await travel(faults.followMs?.(name));
            if (!stops.has(stop)) return;
            if (!isThere()) break;
            if (followed === undefined || streams.get(name) !== followed) {
              stop();
              gone();
              return;
            }
            const message = followed.messages.find(({ number }) => number >= next);
            if (message === undefined) break;
            next = message.number + 1;
            hears(message);
          }
          isLooking = false;
        };
        followers.add(look);
        stops.add(stop);
        look();
        return stop;
      },
      drop: (before) =>
        ask(() => {
          const messages = streams.get(name)?.messages ?? [];
          messages.splice(0, messages.filter(({ number }) => number < before).length);
        }),
    });

    return {
      stream,
      messageBytesMax,
      onReturn(listener) {
        // An object of its own: the same function may listen twice.
        const hears = (): void => listener();
        listeners.add(hears);
        return () => void listeners.delete(hears);
      },
      ready: () => ask(() => undefined),
      async close() {
        isClosed = true;
        connections.delete(returned);
        for (const stop of stops) stop();
      },
      cut() {
        isCut = true;
      },
      mend() {
        if (!isCut) return;
        isCut = false;
        changed();
        returned();
      },
    };
  };

  return {
    faults,
    connect,
    leave() {
      isAway = true;
    },
    back(lost = 0) {
      isAway = false;
      for (const kept of streams.values()) {
        kept.newest = Math.max(0, kept.newest - lost);
        kept.messages.splice(kept.messages.filter(({ number }) => number <= kept.newest).length);
      }
      changed();
      for (const returned of connections) returned();
    },
    remove(stream) {
      streams.delete(stream);
      changed();
    },
    held,
    intrude(stream, body) {
      store(stream, { head: '', body });
    },
  };
}

function away(): Failure {
  return new Failure('StorageFailed', 'the host of the streams does not answer', { retryAfterMs });
}
