// A subscriber that is asked, instead of called: an async iterator over the mailbox of a handler that waits to be read.
import { Failure } from '../../failure.ts';
import type { HandlerCall } from '../call.ts';
import { notTaken } from '../mailbox.ts';
import type { HandlerOptions } from '../options.ts';
import type { Registry } from '../registry.ts';
import type { Dispatched } from '../types.ts';

/** How a stream reads; its mailbox holds what has not been read yet. */
export type StreamOptions<Data> = Pick<
  HandlerOptions<Data>,
  'signal' | 'filter' | 'capacity' | 'overflow' | 'key' | 'name'
>;

/** An event that its reader says is done. */
export interface Acknowledged<Event> {
  readonly event: Event;
  /** Lets who awaits the dispatch go on. Saying it twice is saying it once; asking for the next event says it too. */
  readonly done: () => void;
}

/**
 * Events to read, in the order in which they were dispatched. An awaited dispatch waits until the event is read, or with
 * `acknowledged` until the reader is done with it. One stream is read in one of the two ways.
 */
export interface EventStream<Event> extends AsyncIterableIterator<Event, undefined> {
  /** Whether it has ended: by `close`, by its signal, or because the dispatcher closed. */
  readonly closed: boolean;
  /**
   * Reads with acknowledgement.
   *
   * @throws Failure `Misused` when it is also read without
   */
  acknowledged(): AsyncIterableIterator<Acknowledged<Event>, undefined>;
  /** Ends it: the loop ends, and what was not read is counted as dropped. Closing twice is closing once. */
  close(): void;
}

interface Reading {
  readonly event: Dispatched;
  readonly done: () => void;
  /** Nobody read it. */
  readonly leave: () => void;
}

/**
 * Opens a stream on a registry.
 *
 * @throws Failure `InvalidPattern`, `InvalidOptions`, `Closed`
 */
export function openStream(
  on: Registry['on'],
  pattern: string,
  options: StreamOptions<never> = {},
): EventStream<Dispatched> {
  const core = createCore();
  const stop = on(pattern, core.put, {
    name: `stream of ${pattern}`,
    ...options,
    onStop: core.end,
  });
  if (options.signal?.aborted) core.end();
  let way: 'plain' | 'acknowledged' | undefined;
  const read = async (as: 'plain' | 'acknowledged'): Promise<Reading | undefined> => {
    if ((way ??= as) !== as) {
      throw new Failure('Misused', `this stream is read ${way}; open another to read it ${as}`);
    }
    return core.take(as === 'plain');
  };
  const leave = async (): Promise<{ done: true; value: undefined }> => {
    stop();
    return { done: true, value: undefined };
  };

  const stream: EventStream<Dispatched> = {
    get closed() {
      return core.ended;
    },
    close: () => void stop(),
    async next() {
      const reading = await read('plain');
      return reading === undefined ? { done: true, value: undefined } : { done: false, value: reading.event };
    },
    return: leave,
    [Symbol.asyncIterator]: () => stream,
    acknowledged() {
      if (way === 'plain') throw new Failure('Misused', 'this stream is read plain; open another to acknowledge');
      way = 'acknowledged';
      return {
        // The stream is named here so that it is not collected while only this iterator is in use.
        next: async () => {
          const reading = await read('acknowledged');
          return reading === undefined || stream.closed
            ? { done: true, value: undefined }
            : { done: false, value: { event: reading.event, done: reading.done } };
        },
        return: leave,
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  };
  core.watch(stream, stop);
  return stream;
}

/**
 * What the registry holds of a stream. It does not know the stream itself, so that one that nobody reads any more can be
 * collected; a reader that waits is held by its promise.
 */
function createCore(): {
  readonly ended: boolean;
  put: (data: unknown, call: HandlerCall) => Promise<unknown>;
  take: (done: boolean) => Promise<Reading | undefined>;
  end: () => void;
  watch: (stream: object, stop: () => boolean) => void;
} {
  let ended = false;
  /** The event that was offered and not read yet; the mailbox holds those behind it. */
  let offered: Reading | undefined;
  /** The event that was read and is not done yet. */
  let taken: Reading | undefined;
  const readers: ((reading: Reading | undefined) => void)[] = [];
  let collected: FinalizationRegistry<undefined> | undefined;

  const give = (reading: Reading, reader: (reading: Reading | undefined) => void, done: boolean): void => {
    taken = reading;
    if (done) reading.done();
    reader(reading);
  };
  let plain = true;

  return {
    get ended() {
      return ended;
    },
    put: (data, { type }) =>
      new Promise((resolve) => {
        const reading = { event: { type, data }, done: () => resolve(undefined), leave: () => resolve(notTaken) };
        const reader = readers.shift();
        if (ended) reading.leave();
        else if (reader === undefined) offered = reading;
        else give(reading, reader, plain);
      }),
    take(done) {
      plain = done;
      // Asking for the next says that the one before is done: a reader that forgets to say it does not wait for ever.
      taken?.done();
      return new Promise((resolve) => {
        const reading = offered;
        offered = undefined;
        if (reading !== undefined) give(reading, resolve, done);
        else if (ended) resolve(undefined);
        else readers.push(resolve);
      });
    },
    end() {
      ended = true;
      taken?.done();
      offered?.leave();
      offered = undefined;
      for (const reader of readers.splice(0)) reader(undefined);
    },
    watch(stream, stop) {
      if (typeof FinalizationRegistry === 'undefined') return;
      collected = new FinalizationRegistry(() => void stop());
      collected.register(stream, undefined);
    },
  };
}
