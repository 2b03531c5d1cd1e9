// For whoever runs the relay: its numbers as JSON and for Prometheus, and whether it lives and serves.
import type { Handler } from 'hono';
import { Failure, type World } from '@godwit/core';
import type { Channels, ChannelStat } from '@godwit/core/feed';
import { metricsText } from './metrics.ts';
import type { RelayParts } from './parts.ts';
import { sumOf, type RelayStats } from './totals.ts';

/** Of a relay of ten thousand channels, so many are asked before everybody else has a turn: some milliseconds' worth. */
const channelsPerTurn = 50;

/** `GET /v1/stats` (rule 5). It tells of every channel, so it needs the right to all. */
export function stats({ channels, authority, world }: RelayParts): Handler {
  return async (context) => {
    await authority(context.req.raw, 'subscribe', '*');
    return context.json(await collect(channels, world), 200, { 'cache-control': 'no-store' });
  };
}

/** `GET /metrics` (rule 5): Prometheus text, version 0.0.4. */
export function metrics({ channels, authority, world }: RelayParts, version: string): Handler {
  return async (context) => {
    await authority(context.req.raw, 'subscribe', '*');
    const text = metricsText(await collect(channels, world), version);
    return context.body(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  };
}

/** `GET /healthz`: the process answers. */
export function healthz(version: string): Handler {
  return (context) => context.json({ status: 'ok', version }, 200, { 'cache-control': 'no-store' });
}

/** `GET /readyz`: it can serve, too. */
export function readyz(ready: () => Promise<void>): Handler {
  return async (context) => {
    await ready();
    return context.json({ status: 'ready' }, 200, { 'cache-control': 'no-store' });
  };
}

async function collect(channels: Channels, world: World): Promise<RelayStats> {
  const { each, asOf } = channels.list === undefined ? await told(channels) : await asked(channels, world);
  const since = each.map(([, stat]) => stat.since).sort()[0] ?? new Date(world.now()).toISOString();
  // From entries: a channel may be called __proto__.
  return {
    ...sumOf(each.map(([, stat]) => stat)),
    since,
    ...(asOf === undefined ? {} : { asOf }),
    channels: Object.fromEntries(each),
  };
}

/** The numbers of channels, by name. */
interface Numbers {
  readonly each: readonly (readonly [string, ChannelStat & { readonly asOf?: string }])[];
  readonly asOf?: string;
}

async function asked(channels: Channels, world: World): Promise<Numbers> {
  const each: [string, ChannelStat][] = [];
  for (const name of (await channels.list?.()) ?? []) {
    each.push([name, await channels.channel(name).stat()]);
    // Waiting for a log that answers at once lets nobody else have a turn: a timer does.
    if (each.length % channelsPerTurn === 0) await new Promise<void>((resolve) => void world.after(0, resolve));
  }
  return { each };
}

/** Where a channel is an object of its own, none is woken to be asked: each has told of itself. */
async function told(channels: Channels): Promise<Numbers> {
  if (channels.noted === undefined) {
    throw new Failure('NotFound', 'no one place here knows all channels; ask for each by GET /v1/channels/{channel}');
  }
  const noted = await channels.noted();
  const each = noted.map(({ channel, stat, asOf }) => [channel, { ...stat, asOf: timeOf(asOf) }] as const);
  return noted.length === 0 ? { each } : { each, asOf: timeOf(Math.min(...noted.map(({ asOf }) => asOf))) };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
