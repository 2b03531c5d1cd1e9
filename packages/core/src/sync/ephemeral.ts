// push, for events that are never stored: sent while there is a relay, else dropped and counted.
import { toFailure } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Link } from '../ports/link.ts';
import type { World } from '../ports/world.ts';
import { answeredInTime } from './answer.ts';

/** How many ephemeral events wait at the most, of all channels: some seconds of a pointer's moves. */
const waitingMax = 256;

/** The way of ephemeral events to the relay. */
export interface EphemeralPush {
  /** Sends the events, or drops and counts them. */
  send(channel: string, events: readonly CloudEvent[]): void;
}

/** Sends what comes in, one POST at a time, until the signal aborts. */
export function createEphemeralPush(parts: {
  readonly link: Link;
  readonly world: Pick<World, 'after'>;
  readonly signal: AbortSignal;
  readonly isOnline: () => boolean;
  readonly dropped: (
    channel: string,
    reason: 'offline' | 'overflow' | 'unreachable' | 'refused',
    events: number,
  ) => void;
}): EphemeralPush {
  const { link, world, signal, isOnline, dropped } = parts;
  const waiting: { readonly channel: string; readonly event: CloudEvent }[] = [];
  let sending = false;

  return {
    send(channel, events) {
      if (signal.aborted || !isOnline()) return dropped(channel, 'offline', events.length);
      const room = Math.max(0, waitingMax - waiting.length);
      waiting.push(...events.slice(0, room).map((event) => ({ channel, event })));
      if (events.length > room) dropped(channel, 'overflow', events.length - room);
      if (!sending) void drain();
    },
  };

  async function drain(): Promise<void> {
    sending = true;
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const { channel } = first;
      const end = waiting.findIndex((other) => other.channel !== channel);
      const batch = waiting.splice(0, end < 0 ? waiting.length : end).map(({ event }) => event);
      // What waited behind the last one may not go any more.
      if (signal.aborted) {
        dropped(channel, 'offline', batch.length);
        continue;
      }
      try {
        const results = await answeredInTime(world, signal, (its) => link.push(channel, batch, its));
        const refused = results.filter(({ status }) => status === 'refused').length;
        if (refused > 0) dropped(channel, 'refused', refused);
      } catch (error) {
        // Not retried: by the time the relay is back, nobody wants to know where the pointer was.
        dropped(channel, toFailure(error).name === 'Forbidden' ? 'refused' : 'unreachable', batch.length);
      }
    }
    sending = false;
  }
}
