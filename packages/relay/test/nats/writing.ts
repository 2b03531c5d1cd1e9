// For the tests of streams on NATS: servers, relays that write without end, and what has to stand where they were told so.
import { worldOf } from '@godwit/core';
import { expect, onTestFinished, vi } from 'vitest';
import { createJetStreams, type JetStreams } from '../../src/nats/jetstream.ts';
import type { NatsOptions } from '../../src/nats/options.ts';
import type { StoredHead, StoredMessage, Stream, Streams } from '../../src/nats/stream.ts';
import { natsCluster, natsServer, type NatsServer, type NatsServerOptions } from './server.ts';

export const body = new TextEncoder().encode('what it says');
/** Long enough for whatever NATS waits for itself. */
export const patience = { timeout: 60_000, interval: 50 };

export async function serverFor(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await natsServer(options);
  onTestFinished(() => server.end());
  await server.start();
  return server;
}

export async function clusterFor(): Promise<readonly NatsServer[]> {
  const servers = await natsCluster();
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.end()))));
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}

export async function connect(options: NatsOptions): Promise<JetStreams> {
  const streams = await createJetStreams(options, { world: worldOf(globalThis), tell: () => undefined });
  onTestFinished(() => streams.close());
  return streams;
}

/** What stands in a stream where somebody has been told so. */
export interface Written {
  readonly acknowledged: Map<number, string>;
  /** Resolves when there are so many more. */
  more(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A relay that appends without end, each time something else, and goes on as soon as it can. */
export function write(streams: Streams, name: string, who: string): Written {
  const acknowledged = new Map<number, string>();
  const stream = streams.stream(name);
  const stopping = new AbortController();
  let tries = 0;
  const writing = (async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const head = JSON.stringify({ who, of: (tries += 1) });
      try {
        const number = await stream.append({ head, body }, (await stream.newest())?.number ?? 0);
        if (number !== undefined) acknowledged.set(number, head);
      } catch (error) {
        expect(error).toMatchObject({ name: 'StorageFailed', details: { retryAfterMs: expect.any(Number) } });
        await vi.waitUntil(() => isAnswered(stream.newest()), patience);
      }
    }
  })();
  return {
    acknowledged,
    async more(count) {
      const before = acknowledged.size;
      await vi.waitUntil(() => acknowledged.size >= before + count, patience);
    },
    async stop() {
      stopping.abort();
      await writing;
    },
  };
}

export function isAnswered(asked: Promise<unknown>): Promise<boolean> {
  return asked.then(
    () => true,
    () => false,
  );
}

export async function heads(stream: Stream): Promise<readonly StoredHead[]> {
  const all: StoredHead[] = [];
  for await (const head of stream.heads(1)) all.push(head);
  return all;
}

/** Whatever was acknowledged stands where it was said to; nothing stands twice; and who followed heard just that. */
export async function verify(
  stream: Stream,
  writers: readonly Written[],
  told: readonly StoredMessage[],
): Promise<void> {
  await Promise.all(writers.map((writer) => writer.stop()));
  const all = await vi.waitFor(() => heads(stream), patience);
  expect(all.map(({ number }) => number)).toEqual(all.map((_, index) => index + 1));
  expect(new Set(all.map(({ head }) => head)).size).toBe(all.length);
  const byNumber = new Map(all.map(({ number, head }) => [number, head]));
  const acknowledged = writers.flatMap((writer) => [...writer.acknowledged]);
  expect(new Set(acknowledged.map(([number]) => number)).size).toBe(acknowledged.length);
  expect(acknowledged.filter(([number, head]) => byNumber.get(number) !== head)).toEqual([]);
  await vi.waitUntil(() => told.length >= all.length, patience);
  expect(told.map(({ number, head }) => ({ number, head }))).toEqual(all);
}
