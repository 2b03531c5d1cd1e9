// Relays of a cluster behind real HTTP, on streams in memory.
import { createMemoryCluster, worldOf } from '@godwit/core';
import type { Cluster } from '../src/node/cluster.ts';
import { openClusterLogs } from '../src/nats/logs.ts';
import { createMemoryHost } from '../src/nats/testing/memory-streams.ts';
import { readFrames, type FrameReader } from '../src/testing/frames.ts';

/** What relays join that are to be of one cluster. */
export function memoryCluster(): Cluster {
  const host = createMemoryHost({ world: worldOf(globalThis) });
  const near = createMemoryCluster();
  return async ({ world, tell }) => {
    const logs = await openClusterLogs({ streams: host.connect(), world, report: tell });
    return { logs, ready: logs.ready, neighbours: near.relay() };
  };
}

/** Publishes events of these ids; answers their offsets. */
export async function publishTo(url: string, channel: string, ...ids: readonly string[]): Promise<readonly string[]> {
  const events = ids.map((id) => ({ specversion: '1.0', id, source: '/alice', type: 'todo.added' }));
  const response = await fetch(`${url}/v1/channels/${channel}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(events),
  });
  if (response.status !== 200) throw new Error(await response.text());
  const { results } = (await response.json()) as { readonly results: readonly { readonly offset: string }[] };
  return results.map(({ offset }) => offset);
}

/** Opens a stream of a channel. */
export async function readOf(url: string, channel: string, query = ''): Promise<FrameReader> {
  const headers = { accept: 'text/event-stream' };
  return readFrames(await fetch(`${url}/v1/channels/${channel}/events${query}`, { headers }));
}
