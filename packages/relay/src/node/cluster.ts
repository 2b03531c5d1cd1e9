// What relays of a cluster share: the logs of all channels, and word of what is not in them.
import type { Logs, Neighbours, Tell, World } from '@godwit/core';
import type { Limits } from '@godwit/core/protocol';
import type { SqliteLogs } from './sqlite/logs.ts';

/** What a relay shares with others. */
export interface Shared {
  readonly logs: Logs;
  /** Rejects with `StorageFailed` while they can take nothing. */
  ready(): Promise<void>;
  /** What relays tell each other of a channel. */
  readonly neighbours: (channel: string) => Neighbours;
}

/** What a cluster is joined with. */
export interface ClusterParts {
  readonly limits: Limits;
  readonly world: World;
  readonly tell: Tell;
}

/**
 * Joins a cluster. The logs' `close` leaves it.
 *
 * @throws Failure `InvalidOptions` where it cannot hold what the limits admit, `StorageFailed` where it is not there
 */
export type Cluster = (parts: ClusterParts) => Promise<Shared>;

/** Where a relay's channels are: in its own file, unless it shares them. */
export async function logsOf(
  file: SqliteLogs,
  cluster: Cluster | undefined,
  parts: ClusterParts,
): Promise<Omit<Shared, 'neighbours'> & Partial<Shared>> {
  if (cluster === undefined) return { logs: file, ready: file.ready };
  const shared = await cluster(parts);
  return {
    ...shared,
    // Webhooks, and how far bridges are, are in the file.
    ready: async () => void (await Promise.all([file.ready(), shared.ready()])),
    logs: { ...shared.logs, close: async () => void (await Promise.all([shared.logs.close(), file.close()])) },
  };
}
