// An answer that stays open: its headers, and what a reader is told when there is no room.
import { isFailure } from '@godwit/core';
import { encodeControlFrame, mediaTypes } from '@godwit/core/protocol';

/** No cache and no proxy on the way may hold it back, or change it. */
const headers = {
  'content-type': mediaTypes.stream,
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};
/** What a reader waits that came to a full or ending relay. */
const retryByDefaultMs = 5000;

/** A stream as an answer. */
export function streamResponse(body: ReadableStream<Uint8Array> | string | null): Response {
  return new Response(body, { headers });
}

/**
 * Overload as a stream that ends at once and says when to come back: at any other status a native EventSource gives up
 * for good. What is no overload is thrown on.
 */
export function overloadResponse(error: unknown): Response {
  if (!isFailure(error, 'RateLimited') && !isFailure(error, 'Draining')) throw error;
  const retryAfterMs = Math.ceil(error.details.retryAfterMs ?? retryByDefaultMs);
  return streamResponse(`retry: ${retryAfterMs}\n\n${encodeControlFrame({ kind: 'drain', retryAfterMs })}`);
}
