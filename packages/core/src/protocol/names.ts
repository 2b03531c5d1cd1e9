// Every name that crosses the wire, once. PROTOCOL.md says what each means.

/** Media types (CloudEvents 1.0 JSON format and HTTP binding, Server-Sent Events, RFC 9457). */
export const mediaTypes = {
  event: 'application/cloudevents+json',
  batch: 'application/cloudevents-batch+json',
  json: 'application/json',
  stream: 'text/event-stream',
  problem: 'application/problem+json',
} as const;

/** Header names, in lower case as HTTP/2 writes them. */
export const headerNames = {
  lastEventId: 'last-event-id',
  nextOffset: 'godwit-next-offset',
  upToDate: 'godwit-up-to-date',
  gap: 'godwit-gap',
  missed: 'godwit-missed',
  retryAfter: 'retry-after',
} as const;

/** The prefix of an attribute's header in binary mode (CloudEvents HTTP binding, section 3.1.3). */
export const binaryPrefix = 'ce-';

/** The path of a channel's events, which are posted to it and read from it. */
export function eventsPath(channel: string): string {
  return `/v1/channels/${encodeURIComponent(channel)}/events`;
}

/** The path of one stream for many channels; each is a query parameter `channel`, as `name` or `name@position`. */
export function streamPath(positions: Iterable<readonly [channel: string, position: string]>): string {
  const query = new URLSearchParams();
  for (const [channel, position] of positions) query.append('channel', `${channel}@${position}`);
  return `/v1/events?${query.toString()}`;
}
