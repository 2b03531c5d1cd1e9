// An answer that stays open: its headers, and what a reader is told when there is no room.
import { Failure, isFailure } from '@godwit/core';
import { encodeControlFrame, mediaTypes } from '@godwit/core/protocol';
import { chooseOffer } from '../accept.ts';

/** No cache and no proxy on the way may hold it back, or change it. */
const headers = {
  'content-type': mediaTypes.stream,
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};
/** What a reader waits that came to a full or ending relay. */
const retryByDefaultMs = 5000;

/** The other forms that `chooseOffer` knows, refused before whatever a request says of them. */
const noPages = `${mediaTypes.json};q=0, ${mediaTypes.batch};q=0`;

/**
 * For what is served as a stream alone. Without `Accept`, anything is accepted.
 *
 * @throws Failure `NotAcceptable`
 */
export function assertStreamAccepted(accept: string | null): void {
  if (accept === null || accept.trim() === '') return;
  try {
    chooseOffer(`${noPages}, ${accept}`);
  } catch (error) {
    if (!isFailure(error, 'NotAcceptable')) throw error;
    const message = `many channels are served as ${mediaTypes.stream} alone; the request accepts only ${accept}`;
    throw new Failure('NotAcceptable', message);
  }
}

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
