// GET on a channel's socket: the handshake, who asks, and from which page.
import type { Handler } from 'hono';
import { Failure, type Failure as FailureType } from '@godwit/core';
import { assertChannel, headerNames } from '@godwit/core/protocol';
import { isOwnOrigin } from '../authority/token.ts';
import type { Origins } from '../cors.ts';
import { problemResponse } from '../problem.ts';
import { openReading } from '../transports/attach.ts';
import { createTranscode } from '../transports/socket/messages.ts';
import { sessionOf } from '../transports/socket/session.ts';
import { readingOf } from './read.ts';
import type { RelayParts } from './parts.ts';
import { followed } from './publish.ts';

/** What the relay speaks on a socket: the one protocol that it chooses of those that a client offers. */
export const socketProtocol = 'godwit.v1';
/** Before a token among the offered protocols: the one thing that a page can say on a handshake (RFC 6455, section 4.1). */
const bearerPrefix = 'godwit.bearer.';

/** `GET /v1/channels/{channel}/socket` (rule 6). */
export function socket(
  parts: RelayParts,
  { origins, report }: { readonly origins: Origins; readonly report: (failure: FailureType) => void },
): Handler<object, '/:channel'> {
  const { channels, authority, limits, world, upgrade, telemetry } = parts;
  const transcode = createTranscode();
  return async (context) => {
    const channel = assertChannel(context.req.param('channel'));
    const request = context.req.raw;
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
      return notAHandshake(`${context.req.path} is a WebSocket: ask for it by "Upgrade: websocket" (RFC 6455)`);
    }
    if (upgrade === undefined) throw new Failure('NotFound', 'this relay has no sockets');
    assertPage(request, origins);
    const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((text) => text.trim());
    const asker = askerOf(request, offered);
    const grant = await authority(asker, 'subscribe', channel);
    const its = channels.channel(channel);
    const attach = await openReading(its, readingOf(request, grant));
    const open = sessionOf({
      attach,
      transcode,
      limits,
      world,
      until: grant.until,
      report,
      async publish(items) {
        // Another request each, to the authority: its rate is that of its messages.
        const asking = new Request(asker.url, { headers: asker.headers });
        await authority(asking, 'publish', channel);
        if (items.length === 0) return [];
        return followed(() => its.append(items), { telemetry, channel, parent: undefined, items });
      },
    });
    return upgrade(request, { protocol: offered.includes(socketProtocol) ? socketProtocol : undefined, open });
  };
}

/** The answer to a request of a socket's path that is no handshake, saying why. */
export function notAHandshake(message: string): Response {
  const more = { status: 426, title: 'Upgrade required' };
  const headers = { upgrade: 'websocket', connection: 'upgrade, close', 'sec-websocket-version': '13' };
  return problemResponse(new Failure('InvalidRequest', message), more, headers);
}

/** Any page may open a socket, and its browser sends the cookies along: CORS does not ask, so this does. */
function assertPage(request: Request, origins: Origins): void {
  const origin = request.headers.get('origin');
  if (origin === null || origins === 'any' || origins.includes(origin)) return;
  if (isOwnOrigin(request, origin, request.headers.get('sec-fetch-site'))) return;
  throw new Failure('Forbidden', `a page of ${origin.slice(0, 160)} may not open a socket here; --cors lets it`);
}

/** The request as the authority is to see it: with the token that stands among the protocols where every other asker has it. */
function askerOf(request: Request, offered: readonly string[]): Request {
  const headers = new Headers(request.headers);
  // A socket is read and written, so a cookie counts only for a page that is known.
  const bearer = offered.find((protocol) => protocol.startsWith(bearerPrefix));
  if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer.slice(bearerPrefix.length)}`);
  // It is no offer of this request's any more, and not to be logged with it.
  headers.delete('sec-websocket-protocol');
  headers.delete(headerNames.lastEventId);
  return new Request(request.url, { headers });
}
