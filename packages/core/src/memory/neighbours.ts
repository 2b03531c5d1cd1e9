// The relays of a cluster in one process: the reference that every other Neighbours is held against.
import type { Neighbours } from '../ports/neighbours.ts';

/** A cluster whose relays hear each other. */
export interface MemoryCluster {
  /** Another relay: what it says and hears of each channel. */
  relay(): (channel: string) => Neighbours;
}

/** One who listens. */
interface Ear {
  readonly id: string;
  readonly channel: string;
  readonly listener: (message: unknown, from: string) => void;
}

/** Makes a cluster without relays. */
export function createMemoryCluster(): MemoryCluster {
  const ears = new Set<Ear>();
  let relays = 0;

  return {
    relay() {
      relays += 1;
      const id = `relay-${relays}`;
      return (channel) =>
        ({
          id,
          say(message) {
            const json = JSON.stringify(message);
            for (const ear of ears) {
              // Later, as over a network; and in order, since promises are.
              if (ear.id !== id && ear.channel === channel) void Promise.resolve().then(() => tell(ear, json, id));
            }
          },
          hear(listener) {
            const ear = { id, channel, listener };
            ears.add(ear);
            return () => void ears.delete(ear);
          },
        }) satisfies Neighbours;
    },
  };

  function tell(ear: Ear, json: string, from: string): void {
    if (ears.has(ear)) ear.listener(JSON.parse(json), from);
  }
}
