// GET on many channels: one connection for all of a device's channels, each behind its own position.
import type { Handler } from 'hono';
import { Failure, toFailure } from '@godwit/core';
import { assertChannel, encodeControlFrame, encodeHeartbeat, parsePosition } from '@godwit/core/protocol';
import { allSaidIn, clientOf, filterOf, policyOf } from '../query.ts';
import type { Channel, StreamQuery } from '@godwit/core/feed';
import { openReading, type AttachReading } from '../transports/attach.ts';
import { mergeReadings } from '../transports/merge-readings.ts';
import { createMerged, type Merging } from './merge.ts';
import type { RelayParts } from './parts.ts';
import { assertStreamAccepted, streamResponse } from './sse.ts';

/** Looks per heartbeat, so that none is late. */
const ticksPerHeartbeat = 4;
/** Its channels end a connection with its token. So much later it ends by itself: as where none of them has opened. */
const behindChannelsMs = 1000;
const encoder = new TextEncoder();

/** `GET /v1/events?channel=a@OFFSET&channel=b` (rule 3). */
export function stream(parts: RelayParts): Handler {
  const { channels, authority, limits, bodyOf } = parts;
  return async (context) => {
    const request = context.req.raw;
    assertStreamAccepted(request.headers.get('accept'));
    const query = new URL(request.url).searchParams;
    const positions = positionsOf(allSaidIn(query, 'channel'), limits.channelsPerConnectionMax);
    const wanted = { ...filterOf(query), ephemerals: policyOf(query) };
    const grants = await Promise.all(
      [...positions.keys()].map(async (channel) => ({
        channel,
        ...(await ask(() => authority(request, 'subscribe', channel))),
      })),
    );
    const subjects = new Set(grants.flatMap(({ failure, subject }) => (failure === undefined ? [subject] : [])));
    const [clientId] = [...subjects, undefined].map((subject) => clientOf(query, subject));
    const filter = clientId === undefined ? wanted : { ...wanted, clientId };
    if (request.method === 'HEAD') return streamResponse(null);
    const untils = grants.flatMap(({ until }) => (until === undefined ? [] : [until]));
    const until = untils.length === 0 ? undefined : Math.min(...untils);

    const { merged, open, body } = bodyOf === undefined ? byStreams() : straight((attach) => bodyOf(request, attach));
    // The first byte at once: a channel may take a while to open.
    merged.send(encoder.encode(encodeHeartbeat()));
    let left = grants.length;
    const refuse = (channel: string, { name }: Failure): void => {
      merged.send(encoder.encode(encodeControlFrame({ kind: 'refused', channel, name })));
      left -= 1;
      // Nothing can come any more.
      if (left === 0) merged.end();
    };
    for (const { channel, failure } of grants) {
      if (failure !== undefined) {
        refuse(channel, failure);
        continue;
      }
      const reading = { after: positions.get(channel) ?? 'latest', ...filter, heartbeat: false };
      const opened = open(channels.channel(channel), until === undefined ? reading : { ...reading, until });
      opened.catch((error: unknown) => {
        const failure = toFailure(error);
        if (failure.name === 'Draining' || failure.name === 'Closed') drain(merged, failure.details.retryAfterMs);
        else refuse(channel, failure);
      });
    }
    return streamResponse(body(() => keepAlive(parts, merged, until)));
  };
}

/** A connection, and how a channel is hung on it. */
interface Joined {
  readonly merged: Pick<Merging<unknown>, 'send' | 'drain' | 'beat' | 'end' | 'onEnd'>;
  /** Rejects where the channel cannot be read. */
  open(channel: Channel, query: StreamQuery): Promise<void>;
  /** `begin` is called when somebody reads: one who went before leaves nothing behind. */
  body(begin: () => void): ReadableStream<Uint8Array> | null;
}

/** Channels elsewhere are streams, of whole frames each. */
function byStreams(): Joined {
  const merged = createMerged();
  return {
    merged,
    open: async (channel, query) => merged.add(await channel.stream(query)),
    body(begin) {
      begin();
      return merged.stream;
    },
  };
}

/** Channels in this process write to the connection itself, as one alone does. */
function straight(bodyOf: (attach: AttachReading) => ReadableStream<Uint8Array> | null): Joined {
  const merged = mergeReadings();
  return {
    merged,
    open: async (channel, query) => merged.add(await openReading(channel, query)),
    body: (begin) =>
      bodyOf((sink) => {
        const reading = merged.attach(sink);
        begin();
        return reading;
      }),
  };
}

/** A right that is missing concerns its channel; who cannot be told at all concerns the whole request. */
async function ask<T extends object>(work: () => Promise<T>): Promise<Partial<T> & { readonly failure?: Failure }> {
  try {
    return await work();
  } catch (error) {
    const failure = toFailure(error);
    if (failure.name !== 'Forbidden') throw failure;
    return { failure } as Partial<T> & { readonly failure: Failure };
  }
}

function positionsOf(texts: readonly string[], max: number): ReadonlyMap<string, string> {
  if (texts.length === 0 || texts.length > max) {
    throw new Failure(
      'InvalidRequest',
      `expected ?channel=name or ?channel=name@position, 1 to ${max} times; got ${texts.length}`,
    );
  }
  const positions = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf('@');
    const channel = assertChannel(at < 0 ? text : text.slice(0, at));
    if (positions.has(channel)) throw new Failure('InvalidRequest', `the channel "${channel}" is asked for twice`);
    const position = at < 0 || at === text.length - 1 ? 'latest' : text.slice(at + 1);
    parsePosition(position);
    positions.set(channel, position);
  }
  return positions;
}

/** The connection's own heartbeat, when nothing has come for a while; and its end, where no channel brings one. */
function keepAlive({ world, limits }: RelayParts, merged: Joined['merged'], until: number | undefined): void {
  const tick = (): void => {
    const stop = world.after(limits.heartbeatMs / ticksPerHeartbeat, () => {
      forget();
      if (until !== undefined && world.now() >= until + behindChannelsMs) return drain(merged, 0);
      merged.beat(ticksPerHeartbeat, encoder.encode(encodeHeartbeat()));
      tick();
    });
    const forget = merged.onEnd(stop);
  };
  tick();
}

function drain(merged: Pick<Merging<unknown>, 'drain'>, retryAfterMs = 1000): void {
  const frame = encodeControlFrame({ kind: 'drain', retryAfterMs: Math.ceil(retryAfterMs) });
  merged.drain(encoder.encode(frame));
}
