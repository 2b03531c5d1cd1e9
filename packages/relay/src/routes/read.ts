// GET on a channel's events: live as a stream, or a page, which may wait for news.
import type { Handler } from 'hono';
import type { ChannelPage, StreamQuery } from '@godwit/core/feed';
import { assertChannel, headerNames, mediaTypes, parsePosition, type Limits } from '@godwit/core/protocol';
import { chooseOffer, type Offer } from '../accept.ts';
import type { Grant } from '../authority/authority.ts';
import { tokenParameter } from '../authority/token.ts';
import { clientOf, filterOf, numberOf, policyOf, saidIn } from '../query.ts';
import type { RelayParts } from './parts.ts';
import { overloadResponse, streamResponse } from './sse.ts';

/** A page of the past is what it is; the bound is for channels that are removed. */
const pastSeconds = 3600;

/** `GET /v1/channels/{channel}/events` (rules 2 and 4). */
export function read({ channels, authority, limits, bodyOf }: RelayParts): Handler<object, '/:channel'> {
  return async (context) => {
    const name = assertChannel(context.req.param('channel'));
    const request = context.req.raw;
    const offer = chooseOffer(request.headers.get('accept'));
    const grant = await authority(request, 'subscribe', name);
    const url = new URL(request.url);
    const filter = filterOf(url.searchParams);
    const channel = channels.channel(name);

    if (offer === mediaTypes.stream) {
      const query = readingOf(request, grant);
      // Nobody would read, or end, the body of an answer to HEAD.
      if (request.method === 'HEAD') return streamResponse(null);
      const opened =
        channel.subscribe === undefined || bodyOf === undefined
          ? channel.stream(query)
          : channel.subscribe(query).then((attach) => bodyOf(request, attach));
      return opened.then(streamResponse, overloadResponse);
    }
    const after = positionOf(saidIn(url.searchParams, 'after'));
    const { limit, waitMs } = pageBounds(url.searchParams, limits);
    const isLook = request.method === 'HEAD';
    const asked = { after, ...filter, limit, waitMs, isLook };
    const { until } = grant;
    const page = await channel.page(until === undefined ? asked : { ...asked, until });
    return pageResponse(request, url, offer, after, page);
  };
}

/**
 * What a live reading of one channel is asked for with, whatever the transport (rules 2.4 and 2.6).
 *
 * @throws Failure `InvalidOffset`, `InvalidRequest` or `Forbidden`
 */
export function readingOf(request: Request, { until, subject }: Grant): StreamQuery {
  const query = new URL(request.url).searchParams;
  const after = positionOf(request.headers.get(headerNames.lastEventId), saidIn(query, 'after'));
  const reading = { after, ...filterOf(query), ephemerals: policyOf(query), heartbeat: true };
  const clientId = clientOf(query, subject);
  return {
    ...reading,
    ...(clientId === undefined ? {} : { clientId }),
    ...(until === undefined ? {} : { until }),
  };
}

/** The first that is there; empty is absent. */
function positionOf(...candidates: readonly (string | null | undefined)[]): string {
  const position = candidates.find((text) => text !== null && text !== undefined && text !== '') ?? 'latest';
  parsePosition(position);
  return position;
}

function pageBounds(query: URLSearchParams, { pageEventsMax, waitMsMax }: Limits): { limit: number; waitMs: number } {
  const max = pageEventsMax;
  const limit = numberOf(query, 'limit', { min: 1, max, byDefault: max, isWhole: true });
  const waitS = numberOf(query, 'wait', { min: 0, max: waitMsMax / 1000, byDefault: 0, isWhole: false });
  return { limit, waitMs: Math.ceil(waitS * 1000) };
}

function pageResponse(request: Request, url: URL, offer: Offer, after: string, page: ChannelPage): Response {
  const { events, next, upToDate, gap } = page;
  const query = new URLSearchParams(url.searchParams);
  query.set('after', next);
  // Links are shown, logged and kept.
  query.delete(tokenParameter);
  const headers = new Headers({
    'content-type': offer,
    [headerNames.nextOffset]: next,
    [headerNames.upToDate]: String(upToDate),
    link: `<${url.pathname}?${query.toString()}>; rel="next"`,
    // A page that is kept is one asker's: whoever comes with another token is asked for their own right.
    vary: 'Accept, Authorization, Cookie',
    'cache-control': 'no-store',
  });
  if (gap !== undefined) {
    headers.set(headerNames.gap, gap.reason);
    // Absent is "nobody knows".
    if (gap.missed !== null) headers.set(headerNames.missed, String(gap.missed));
  } else if (!upToDate) {
    const tag = `"${next}-${events.length}${offer === mediaTypes.batch ? 'b' : ''}"`;
    headers.set('etag', tag);
    // "earliest" moves as the log is trimmed: ask again, and mostly hear that nothing has changed.
    headers.set('cache-control', after === 'earliest' ? 'private, no-cache' : `private, max-age=${pastSeconds}`);
    if (isNamed(request.headers.get('if-none-match'), tag)) return new Response(null, { status: 304, headers });
  }
  return new Response(`[${events.join(',')}]`, { headers });
}

function isNamed(ifNoneMatch: string | null, tag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((text) => text.trim().replace(/^W\//, ''));
  return tags.includes(tag) || tags.includes('*');
}
