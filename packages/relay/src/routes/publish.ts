// POST: events come in. Answered when they are committed, one result each, in their order.
import type { Handler } from 'hono';
import type { Telemetry } from '@godwit/core';
import type { AppendItem } from '@godwit/core/feed';
import { assertChannel, type AppendResult } from '@godwit/core/protocol';
import { readItems } from '../content.ts';
import type { RelayParts } from './parts.ts';

/** `POST /v1/channels/{channel}/events` (rule 1). */
export function publish({ channels, authority, limits, telemetry }: RelayParts): Handler<object, '/:channel'> {
  return async (context) => {
    const channel = assertChannel(context.req.param('channel'));
    await authority(context.req.raw, 'publish', channel);
    const items = await readItems(context.req.raw, limits);
    const append = (): Promise<readonly AppendResult[]> => channels.channel(channel).append(items);
    const parent = context.req.header('traceparent');
    const results = items.length === 0 ? [] : await followed(append, { telemetry, channel, parent, items });
    // Plain headers, which the platform writes as they are: a `Headers` of two costs as much as reading the event.
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    return new Response(JSON.stringify({ results }), { headers });
  };
}

/** Counts by outcome, and follows each event to its publisher's span by the traceparent that it carries. */
export async function followed(
  append: () => Promise<readonly AppendResult[]>,
  {
    telemetry,
    channel,
    parent,
    items,
  }: {
    readonly telemetry: Telemetry | undefined;
    readonly channel: string;
    readonly parent: string | undefined;
    readonly items: readonly AppendItem[];
  },
): Promise<readonly AppendResult[]> {
  if (telemetry === undefined) return append();
  const links = new Set(items.map((item) => ('event' in item ? item.event.traceparent : undefined)));
  const attributes = { channel, 'batch.size': items.length };
  const results = await telemetry.watch({ name: 'append', parent, links: [...links], attributes }, append);
  for (const { status } of results) telemetry.count('appended', 1, { outcome: status });
  return results;
}
