// POST: events come in. Answered when they are committed, one result each, in their order.
import type { Handler } from 'hono';
import type { Telemetry } from '@godwit/core';
import type { AppendItem } from '@godwit/core/feed';
import { assertChannel, type AppendResult } from '@godwit/core/protocol';
import { readItems } from '../content.ts';
import type { RelayParts } from './parts.ts';

/** Answers a post to a channel. `read` reads a body whose length was named; as the request does it, unless said. */
export type Post = (request: Request, channel: string, read?: () => Promise<Uint8Array>) => Promise<Response>;

/** `POST /v1/channels/{channel}/events` (rule 1). */
export function publish(post: Post): Handler<object, '/:channel'> {
  return (context) => post(context.req.raw, context.req.param('channel'));
}

/** The same, of a request that nobody has to look up any more. */
export function createPost({ channels, authority, limits, telemetry }: RelayParts): Post {
  return async (request, name, read) => {
    const channel = assertChannel(name);
    await authority(request, 'publish', channel);
    const items = await readItems(request, limits, read);
    const append = (): Promise<readonly AppendResult[]> => channels.channel(channel).append(items);
    const parent = request.headers.get('traceparent') ?? undefined;
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
