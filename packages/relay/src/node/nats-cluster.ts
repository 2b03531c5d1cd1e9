// The cluster of the command line: loaded where it is asked for, and by nobody else.
import { Failure } from '@godwit/core';
import { assertNatsOptions } from '../nats/options.ts';
import type { Cluster } from './cluster.ts';

/**
 * The cluster that the options ask for.
 *
 * @throws Failure `InvalidOptions`
 */
export async function clusterOf(nats: unknown): Promise<Cluster | undefined> {
  if (nats === undefined) return undefined;
  assertNatsOptions(nats);
  const { natsCluster } = await import('../nats/cluster.ts').catch((error: unknown) => {
    const message =
      '--nats needs NATS’s client beside the relay: npm install @nats-io/transport-node@3 @nats-io/jetstream@3';
    throw new Failure('InvalidOptions', message, { cause: error });
  });
  return natsCluster(nats);
}
