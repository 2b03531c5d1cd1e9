// What relays of one cluster tell each other of a channel beside its log: ephemeral events, and who is there.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Stop } from './world.ts';

/** A client at a relay, and since when in wall-clock milliseconds. Clocks of relays differ: that is to be shown, not judged by. */
export type ClientThere = readonly [clientId: string, since: number];

/** What a relay says to its neighbours. A relay passes over kinds that it does not know. */
export type NeighbourMessage =
  /** An event that is never stored was published there. */
  | { readonly kind: 'ephemeral'; readonly event: CloudEvent }
  /** This client is at that relay from now on. */
  | { readonly kind: 'came'; readonly clientId: string; readonly since: number }
  /** It is there no more: its lifetime has passed since its last connection there. */
  | { readonly kind: 'went'; readonly clientId: string }
  /** That relay lives and has so many clients: repeated while it has any. `sum` tells whether they are those that were heard of. */
  | { readonly kind: 'here'; readonly count: number; readonly sum: number }
  /** Whoever has clients is to say which; `of` asks one relay alone. */
  | { readonly kind: 'who'; readonly of?: string }
  /** All the clients of that relay, in parts that follow each other from 0. */
  | {
      readonly kind: 'present';
      readonly part: number;
      readonly isLast: boolean;
      readonly clients: readonly ClientThere[];
    };

/**
 * **Law.** What a relay says of a channel, every other relay of its cluster hears that listens to that channel, at most
 * once and in the order in which it was said; what different relays say comes in any order. A relay does not hear itself,
 * nor another channel, nor another cluster. Nobody is called within the call that says, and what is heard is a copy, as
 * JSON makes it. A message may be lost, and `say` never throws: it carries nothing durable. Whoever has only just begun
 * to listen may miss what others say in that moment, but hears what they answer to what it says next. A relay that was
 * started again has another id.
 */
export interface Neighbours {
  /** This relay, as the others hear of it. */
  readonly id: string;
  /** Says it to the others that listen now, if there are any. Tens of kilobytes, or one event. */
  say(message: NeighbourMessage): void;
  /** Hears what others say from now on. It may be of a newer release, or damaged: nothing is known of it before it is decoded. */
  hear(listener: (message: unknown, from: string) => void): Stop;
}
