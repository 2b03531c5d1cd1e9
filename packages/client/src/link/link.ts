// How a device reaches a relay: events up by POST, one stream of Server-Sent Events down, both by `fetch`.
import { Failure, type Link, type World } from '@godwit/core';
import { decodeResults, eventsPath, mediaTypes, streamPath } from '@godwit/core/protocol';
import { isOfType, parse, refusalOf, strangerOf } from './answer.ts';
import { createFrameParser } from './frames.ts';
import { createToken, type TokenSource } from './token.ts';

/** How long a POST may take, in milliseconds: a connection that died silently would hold the outbox up for ever. */
const pushMsMax = 30_000;

/** How a relay is reached. */
export interface FetchLinkOptions {
  /** The relay's address, without `/v1`. */
  readonly relay: string;
  readonly fetch: typeof fetch;
  readonly world: Pick<World, 'after' | 'now'>;
  readonly token?: TokenSource | undefined;
  /** Whether cookies travel, as `fetch` has it. By default only to the page's own origin. */
  readonly credentials?: RequestInit['credentials'];
}

/** Makes a link. It opens nothing until it is asked to push or pull. */
export function createFetchLink(options: FetchLinkOptions): Link {
  // Taken out of its object: a browser's `fetch` may not be called as another object's method.
  const { world, fetch: ask, credentials = 'same-origin' } = options;
  const relay = options.relay.replace(/\/+$/, '');
  const token = createToken(options.token, world);

  return {
    async push(channel, events, signal) {
      const limit = new AbortController();
      const stop = world.after(pushMsMax, () => limit.abort());
      try {
        const either = AbortSignal.any([signal, limit.signal]);
        const response = await request(eventsPath(channel), mediaTypes.json, either, JSON.stringify(events));
        if (!isOfType(response, mediaTypes.json)) throw await strangerOf(response, mediaTypes.json);
        return decodeResults(parse(await response.text()), events.length);
      } catch (error) {
        if (limit.signal.aborted) throw unreachable(`it did not answer within ${pushMsMax / 1000} s`, error);
        throw asFailure(error);
      } finally {
        stop();
      }
    },

    async *pull(positions, signal) {
      // Aborted also when the consumer stops reading: the connection ends with the loop that reads it.
      const consumer = new AbortController();
      let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
      try {
        const either = AbortSignal.any([signal, consumer.signal]);
        const response = await request(streamPath(positions), mediaTypes.stream, either);
        if (!isOfType(response, mediaTypes.stream) || response.body === null) {
          throw await strangerOf(response, mediaTypes.stream);
        }
        const parser = createFrameParser();
        reader = response.body.getReader();
        // A loop of reads, not `for await`: WebKit has no asynchronous iteration of streams.
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          yield parser.feed(value);
        }
      } catch (error) {
        throw asFailure(error);
      } finally {
        consumer.abort();
        // A body that the signal has ended already cannot be cancelled, and need not be.
        reader?.cancel().catch(() => undefined);
      }
    },

    renew: () => token.forget(),
  } satisfies Link;

  /** Asks, and answers what is no refusal. A body is a batch of events, and is posted. */
  async function request(path: string, accept: string, signal: AbortSignal, body?: string): Promise<Response> {
    const headers = { accept, ...(await unlessAborted(token.header(), signal)) };
    const post = { method: 'POST', headers: { ...headers, 'content-type': mediaTypes.batch } };
    const response = await ask(`${relay}${path}`, {
      ...(body === undefined ? { headers } : { ...post, body }),
      signal,
      credentials,
      // A cached answer to a stream, or to a publish, is a wrong one.
      cache: 'no-store',
    });
    if (response.ok) return response;
    throw await refusalOf(response);
  }
}

/** An application's function may never answer; the signal does not wait for it. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  // Whoever was aborted does not wait for it, and its failure is nobody's.
  work.catch(() => undefined);
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Whatever is not a relay's answer is want of one. */
function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return unreachable(error instanceof Error ? error.message : String(error), error);
}

function unreachable(why: string, cause: unknown): Failure {
  return new Failure('Unreachable', `the relay cannot be reached: ${why}`, { cause });
}
