// POST: events come in. Answered when they are committed, one result each, in their order.
import type { Handler } from 'hono';
import { assertChannel } from '@godwit/core/protocol';
import { readItems } from '../content.ts';
import type { RelayParts } from './parts.ts';

/** `POST /v1/channels/{channel}/events` (rule 1). */
export function publish({ channels, authority, limits }: RelayParts): Handler<object, '/:channel'> {
  return async (context) => {
    const channel = assertChannel(context.req.param('channel'));
    await authority(context.req.raw, 'publish', channel);
    const items = await readItems(context.req.raw, limits);
    const results = items.length === 0 ? [] : await channels.channel(channel).append(items);
    return context.json({ results }, 200, { 'cache-control': 'no-store' });
  };
}
