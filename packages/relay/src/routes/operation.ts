// For whoever runs the relay: its numbers as JSON and for Prometheus, and whether it lives and serves.
import type { Handler } from 'hono';
import { Failure, type World } from '@godwit/core';
import type { Channels } from '@godwit/core/feed';
import { metricsText } from './metrics.ts';
import type { RelayParts } from './parts.ts';
import { statsText } from './stats-text.ts';
import { sumOf, type NamedStat, type RelayStats } from './totals.ts';

/** Of a relay of ten thousand channels, so many are asked before everybody else has a turn: some milliseconds' worth. */
const channelsPerTurn = 50;

/** `GET /v1/stats` (rule 5). It tells of every channel, so it needs the right to all. */
export function stats({ channels, authority, world }: RelayParts): Handler {
  return async (context) => {
    await authority(context.req.raw, 'subscribe', '*');
    const { sums, each } = await collect(channels, world);
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    return context.body(statsText(sums, each, world), 200, headers);
  };
}

/** `GET /metrics` (rule 5): Prometheus text, version 0.0.4. */
export function metrics({ channels, authority, world }: RelayParts, version: string): Handler {
  return async (context) => {
    await authority(context.req.raw, 'subscribe', '*');
    const { each } = await collect(channels, world);
    return context.body(metricsText(each, version), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    });
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

async function collect(
  channels: Channels,
  world: World,
): Promise<{ readonly sums: Omit<RelayStats, 'channels'>; readonly each: readonly NamedStat[] }> {
  const { each, asOf } = channels.list === undefined ? await told(channels) : await asked(channels, world);
  const stats = each.map(([, stat]) => stat);
  const earliest = stats.reduce<string | undefined>(
    (known, { since }) => (known === undefined || since < known ? since : known),
    undefined,
  );
  const since = earliest ?? new Date(world.now()).toISOString();
  return { sums: { ...sumOf(stats), since, ...(asOf === undefined ? {} : { asOf }) }, each };
}

/** The numbers of channels, by name. */
interface Numbers {
  readonly each: readonly NamedStat[];
  readonly asOf?: string;
}

async function asked(channels: Channels, world: World): Promise<Numbers> {
  const each: NamedStat[] = [];
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
