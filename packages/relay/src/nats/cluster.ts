// What a relay joins when it shares its channels by NATS.
import { Failure } from '@godwit/core';
import type { Limits } from '@godwit/core/protocol';
import type { Cluster } from '../node/cluster.ts';
import { createJetStreams } from './jetstream.ts';
import { openClusterLogs } from './logs.ts';
import { natsNeighbours } from './neighbours.ts';
import type { NatsOptions } from './options.ts';

/**
 * What JSON takes of a message, packed: UTF-8 leaves of a byte's 8 bits some 6.6 to ASCII that can be seen, and at most some 7.4 to a
 * mixture of one byte and two.
 */
const packed = 0.95;
/** What an event's identity takes in a message's head, and what stands beside. */
const identityBytes = 11;
const besideBytes = 4096;

/** Shares the channels of all relays that are given the same NATS, and the same prefix there. */
export function natsCluster(options: NatsOptions): Cluster {
  return async ({ limits, world, tell }) => {
    const streams = await createJetStreams(options, { world, tell });
    try {
      assertFits(limits, streams.messageBytesMax);
      const logs = await openClusterLogs({ streams, world, report: tell });
      return { logs, ready: logs.ready, neighbours: natsNeighbours(streams.connection, { options, world, tell }) };
    } catch (error) {
      await streams.close();
      throw error;
    }
  };
}

/** Told at the start, and not to whoever sends the first large batch. */
function assertFits({ batchBytesMax, eventBytesMax, batchEventsMax }: Limits, messageBytesMax: number): void {
  const needed =
    Math.ceil(Math.max(batchBytesMax, eventBytesMax) * packed) + batchEventsMax * identityBytes + besideBytes;
  if (needed <= messageBytesMax) return;
  const message = `NATS takes messages of ${messageBytesMax} bytes, and batches as the limits admit them need ${needed}: raise its max_payload, or lower --limit batchBytesMax`;
  throw new Failure('InvalidOptions', message);
}
