// How a device reaches a relay: events up by POST, one stream of Server-Sent Events down, or pages where none comes through.
import { Failure, type Link, type World } from '@godwit/core';
import { decodeResults, eventsPath, mediaTypes, streamPath, type Frame } from '@godwit/core/protocol';
import { isOfType, parse, refusalOf, strangerOf } from './answer.ts';
import { createFrameParser } from './frames.ts';
import { pollPage } from './poll.ts';
import { createToken, type TokenSource } from './token.ts';

/** How long a POST may take, in milliseconds: a connection that died silently would hold the outbox up for ever. */
const pushMsMax = 30_000;
/**
 * How long the first byte of a stream may take, in milliseconds. A relay sends it at once; a proxy that gathers an answer
 * before it passes it on sends none for as long as the stream lives.
 */
const firstByteMsMax = 10_000;
/**
 * How long pages are read before a stream is tried again, and the longest that this grows to, doubling: one that was late by
 * chance, in a stall of the machine, is soon made good; a proxy is left alone, but the device may be on another network by then.
 */
const streamAgainMs = { first: 20_000, max: 300_000 };
/** How long several channels rest between two rounds of pages. A lone one waits at the relay; many would take every connection. */
const betweenPollsMs = 2000;

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
  /** When a stream is worth a try. */
  let streamAt = 0;
  let againMs = streamAgainMs.first;

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
      const either = AbortSignal.any([signal, consumer.signal]);
      const at = new Map(positions);
      try {
        for (;;) {
          if (world.now() >= streamAt && !(yield* stream(at, either))) return;
          yield* pages(at, either);
          // A relay that lets none of them be read has said so.
          if (at.size === 0) return;
        }
      } catch (error) {
        throw asFailure(error);
      } finally {
        consumer.abort();
      }
    },

    renew: () => token.forget(),
  } satisfies Link;

  /** Reads a stream to its end. True when not a byte of it came in time: whatever holds it back may let pages through. */
  async function* stream(
    positions: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Frame[], boolean, undefined> {
    const late = new AbortController();
    const inTime = world.after(firstByteMsMax, () => late.abort());
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
      const response = await request(streamPath(positions), mediaTypes.stream, AbortSignal.any([signal, late.signal]));
      if (!isOfType(response, mediaTypes.stream) || response.body === null) {
        throw await strangerOf(response, mediaTypes.stream);
      }
      const parser = createFrameParser();
      reader = response.body.getReader();
      // A loop of reads, not `for await`: WebKit has no asynchronous iteration of streams.
      for (;;) {
        const { done, value } = await reader.read();
        inTime();
        againMs = streamAgainMs.first;
        if (done) return false;
        yield parser.feed(value);
      }
    } catch (error) {
      if (signal.aborted || !late.signal.aborted) throw error;
      return true;
    } finally {
      inTime();
      // A body that the signal has ended already cannot be cancelled, and need not be.
      reader?.cancel().catch(() => undefined);
    }
  }

  /** Reads pages, from `positions` on, which it moves, until it is time to try a stream again. */
  async function* pages(
    positions: Map<string, string>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Frame[], void, undefined> {
    const connected = new Set<string>();
    const ask = (path: string): Promise<Response> => request(path, mediaTypes.json, signal);
    let wait = false;
    while (positions.size > 0) {
      const polled = await Promise.all(
        [...positions].map(async ([channel, after]) => ({
          channel,
          ...(await pollPage(ask, { channel, after, wait })),
        })),
      );
      // Pages come through, and the stream did not.
      if (connected.size === 0 && world.now() >= streamAt) {
        streamAt = world.now() + againMs;
        againMs = Math.min(2 * againMs, streamAgainMs.max);
      }
      const frames: Frame[] = [];
      for (const page of polled) {
        const { channel, next, upToDate } = page;
        frames.push(...page.frames);
        if (next === undefined) positions.delete(channel);
        else positions.set(channel, next);
        if (next === undefined || !upToDate || connected.has(channel)) continue;
        // The head is known now; a stream says it first.
        connected.add(channel);
        frames.push({ kind: 'connected', channel, head: next, position: next });
      }
      // An empty answer is a sign of life too.
      yield frames.length === 0 ? [{ kind: 'heartbeat' }] : frames;
      if (world.now() >= streamAt) return;
      wait = positions.size === 1;
      if (!wait && polled.every(({ upToDate }) => upToDate)) await rest(betweenPollsMs, signal);
    }
  }

  async function rest(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = world.after(ms, resolve);
    try {
      await unlessAborted(promise, signal);
    } finally {
      stop();
    }
  }

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
