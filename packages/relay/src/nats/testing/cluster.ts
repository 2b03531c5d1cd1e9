// Relays of one cluster in a test's own time, and what tests ask of their logs.
import type { CloudEvent, Failure, Log, LogRecord } from '@godwit/core';
import { createTestWorld, type TestWorld } from '@godwit/core/testing';
import { openClusterLogs, type ClusterLogs } from '../logs.ts';
import { createMemoryHost, type MemoryHost, type MemoryStreams } from './memory-streams.ts';

/** One relay: its logs, and its way to the host. */
export interface ClusterRelay {
  readonly logs: ClusterLogs;
  readonly streams: MemoryStreams;
}

/** Relays, their host, and what they have reported. */
export interface Cluster {
  readonly world: TestWorld;
  readonly host: MemoryHost;
  readonly relays: readonly ClusterRelay[];
  readonly reports: readonly Failure[];
  /** One more relay, as one that is started again. */
  join(): Promise<ClusterRelay>;
}

/** Starts so many relays. */
export async function startCluster(
  count: number,
  options: { readonly seed?: number; readonly eventsMax?: number } = {},
): Promise<Cluster> {
  const { seed = 1, eventsMax } = options;
  const world = createTestWorld({ seed });
  const host = createMemoryHost({ world });
  const relays: ClusterRelay[] = [];
  const reports: Failure[] = [];
  const join = async (): Promise<ClusterRelay> => {
    const streams = host.connect();
    const parts = { streams, world, report: (failure: Failure) => void reports.push(failure) };
    const logs = await openClusterLogs(eventsMax === undefined ? parts : { ...parts, eventsMax });
    const relay = { logs, streams };
    relays.push(relay);
    return relay;
  };
  for (let index = 0; index < count; index += 1) await join();
  return { world, host, relays, reports, join };
}

/** What a log announces from now on. */
export function heardBy(log: Log): { readonly records: readonly LogRecord[]; readonly isEnded: boolean } {
  const heard = { records: [] as LogRecord[], isEnded: false };
  log.follow(
    ({ records }) => void heard.records.push(...records),
    () => {
      heard.isEnded = true;
    },
  );
  return heard;
}

/** An event of this id. */
export function eventOf(id: string): CloudEvent {
  return { specversion: '1.0', id, source: '/alice', type: 'todo.added' };
}

/** The ids of records, in order. */
export function idsOf(records: readonly LogRecord[]): readonly string[] {
  return records.map(({ json }) => (JSON.parse(json) as CloudEvent).id);
}
