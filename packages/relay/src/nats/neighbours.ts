// What relays tell each other beside the logs, on NATS's own subjects: one for each channel, and nothing is kept.
import type { Neighbours, Tell, World } from '@godwit/core';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { storageFailure } from './failures.ts';
import { nearSubject } from './names.ts';
import type { NatsOptions } from './options.ts';

/** Says which relay a message is of. */
const relayField = 'Godwit-Relay';

/** The neighbours of this relay, by channel. They end with the connection. */
export function natsNeighbours(
  connection: NatsConnection,
  { options, world, tell }: { readonly options: NatsOptions; readonly world: World; readonly tell: Tell },
): (channel: string) => Neighbours {
  const { prefix = 'godwit' } = options;
  const id = world.id();
  const lost = (error: unknown): void => tell(storageFailure(error, connection.getServer()), {}, 'warn');

  return (channel) => {
    const subject = nearSubject(prefix, channel);
    return {
      id,
      say(message) {
        // NATS's client would keep it for when the server is back: what is told here is of this moment.
        if (connection.info === undefined || connection.isClosed()) return;
        const from = headers();
        from.set(relayField, id);
        try {
          connection.publish(subject, JSON.stringify(message), { headers: from });
        } catch (error) {
          lost(error);
        }
      },
      hear(listener) {
        if (connection.isClosed()) return () => undefined;
        const subscription = connection.subscribe(subject, {
          callback(error, message) {
            if (error !== null) return lost(error);
            const from = message.headers?.get(relayField) ?? '';
            if (from === '' || from === id) return;
            // Whatever is thrown here would end the connection's reading, and nobody would know.
            try {
              listener(message.json(), from);
            } catch (damaged) {
              tell(damaged, { channel });
            }
          },
        });
        return () => subscription.unsubscribe();
      },
    } satisfies Neighbours;
  };
}
