// A channel's way at the relay: append, announce, replay, live.
export * from './channel.ts';
export * from './channels.ts';
export * from './counts.ts';
export * from './feed.ts';
export { compileTypes } from './patterns.ts';
export type { Present } from './presence.ts';
export * from './query.ts';
export { createSubscriptionStream } from './stream.ts';
export type { Sink, Subscription } from './subscriber.ts';
export { decodeSegment, encodeRecord, encodeSegment, escapeText } from '../protocol/record.ts';
export { epochOf, formatOffset, parseOffset, parsePosition, resolvePosition } from '../protocol/offset.ts';
