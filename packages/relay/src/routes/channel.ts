// A channel as a whole: its numbers, and its end.
import type { Handler } from 'hono';
import { Failure } from '@godwit/core';
import { assertChannel } from '@godwit/core/protocol';
import type { RelayParts } from './parts.ts';

/** `GET /v1/channels/{channel}` (rule 5). */
export function stat({ channels, authority }: RelayParts): Handler<object, '/:channel'> {
  return async (context) => {
    const channel = assertChannel(context.req.param('channel'));
    await authority(context.req.raw, 'subscribe', channel);
    return context.json(await channels.channel(channel).stat(), 200, { 'cache-control': 'no-store' });
  };
}

/** `GET /v1/channels/{channel}/presence` (rule 5.6). */
export function presence({ channels, authority }: RelayParts): Handler<object, '/:channel'> {
  return async (context) => {
    const channel = assertChannel(context.req.param('channel'));
    await authority(context.req.raw, 'subscribe', channel);
    const clients = await channels.channel(channel).presence();
    return context.json({ clients }, 200, { 'cache-control': 'no-store' });
  };
}

/** `DELETE /v1/channels/{channel}` (rule 5). */
export function remove({ channels, authority }: RelayParts): Handler<object, '/:channel'> {
  return async (context) => {
    const channel = assertChannel(context.req.param('channel'));
    await authority(context.req.raw, 'manage', channel);
    if (await channels.channel(channel).remove()) return new Response(null, { status: 204 });
    throw new Failure('NotFound', `the channel "${channel}" holds nothing, so there is nothing to remove`);
  };
}
