// A subscriber that is asked, instead of called: an async iterator over a mailbox whose handler is never called.
import type { EventDefinition } from '../../event/define.ts';
import { Failure } from '../../failure.ts';
import type { Call, Mailbox } from '../call.ts';
import { type AnyDispatcher, type Dispatcher, nameOf } from '../contract.ts';
import type { HandlerOptions, Overflow } from '../options.ts';
import type { DataOf, Dispatched, DispatchedBy, PatternOf } from '../types.ts';

/** How a stream reads; its mailbox holds what has not been read yet. */
export type StreamOptions<Data> = Pick<HandlerOptions<Data>, 'signal' | 'filter' | 'capacity' | 'overflow' | 'name'>;

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

/** Gives streams. */
export interface Streams<Events> {
  /**
   * Reads events instead of being called: an async iterator of `{ type, data }`, which an awaited dispatch waits for.
   *
   * @throws Failure `InvalidPattern`, `InvalidOptions`, `Closed`
   */
  events<const Pattern extends PatternOf<Events>>(
    pattern: Pattern | EventDefinition<Pattern, unknown, unknown>,
    options?: StreamOptions<DataOf<Events, NoInfer<Pattern>>>,
  ): EventStream<DispatchedBy<Events, Pattern>>;
}

/**
 * Lets the events of a dispatcher be read; it is the same one.
 *
 * @example
 * ```ts
 * const shop = withStreams(createDispatcher<{ 'order.placed': { total: number } }>());
 * for await (const event of shop.events('order.*')) console.log(event.data.total);
 * ```
 */
export function withStreams<Events, Context, Its>(
  dispatcher: Dispatcher<Events, Context> & Its,
): Dispatcher<Events, Context> & Its & Streams<Events>;
export function withStreams(dispatcher: AnyDispatcher): AnyDispatcher & Streams<Record<string, unknown>> {
  return Object.assign(dispatcher, {
    events: (pattern: string | EventDefinition, options?: StreamOptions<unknown>) =>
      openStream(dispatcher, nameOf(pattern), options ?? {}),
  });
}

type Way = 'plain' | 'acknowledged';
const end = { done: true, value: undefined } as const;

function openStream(
  dispatcher: AnyDispatcher,
  pattern: string,
  options: StreamOptions<unknown>,
): EventStream<Dispatched> {
  const core = createCore(options.overflow);
  // No function that is made here goes there: with it would go the stream.
  const stop = dispatcher.on(pattern, ignore, {
    name: `stream of ${pattern}`,
    ...options,
    concurrency: 0,
    overflow: core.put,
    onStop: core.end,
  });
  let way: Way | undefined;

  const read = async (as: Way): Promise<Call | undefined> => {
    if ((way ??= as) !== as) throw new Failure('Misused', `this stream is read ${way}; open another to read it ${as}`);
    const call = await core.take();
    if (call && as === 'plain') core.done(call);
    return call;
  };
  // By the stream itself, so that it is not collected while only an iterator that may leave it is in use.
  const leave = async (): Promise<typeof end> => {
    stream.close();
    return end;
  };

  const stream: EventStream<Dispatched> = {
    get closed() {
      return core.ended;
    },
    close: () => void stop(),
    async next() {
      const call = await read('plain');
      return call ? { done: false, value: eventOf(call) } : end;
    },
    return: leave,
    [Symbol.asyncIterator]: () => stream,
    acknowledged() {
      if (way === 'plain') throw new Failure('Misused', 'this stream is read plain; open another to acknowledge');
      way = 'acknowledged';
      return {
        async next() {
          const call = await read('acknowledged');
          return call ? { done: false, value: { event: eventOf(call), done: () => core.done(call) } } : end;
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

/** The handler of a stream, which is never called. */
function ignore(): void {}

function eventOf({ type, data }: Call): Dispatched {
  return { type, data };
}

/**
 * What the dispatcher holds of a stream. It does not know the stream itself, so that one that nobody reads any more can be
 * collected; a reader that waits is held by its promise.
 */
function createCore(overflow?: Overflow): {
  readonly ended: boolean;
  put: Overflow;
  take: () => Promise<Call | undefined>;
  done: (call: Call) => void;
  end: () => void;
  watch: (stream: object, stop: () => boolean) => void;
} {
  let ended = false;
  let mailbox: Mailbox | undefined;
  /** What was read and may not be done yet: one, or as many as were asked for at the same time. */
  const taken = new Set<Call>();
  const readers: ((call?: Call) => void)[] = [];
  let collected: FinalizationRegistry<undefined> | undefined;

  const done = (call: Call): void => {
    taken.delete(call);
    mailbox?.drop(call, 'delivered');
  };
  const take = (): Call | undefined => {
    const call = mailbox?.take();
    if (call) taken.add(call);
    return call;
  };
  return {
    get ended() {
      return ended;
    },
    put(its, call) {
      mailbox = its;
      const reader = readers.shift();
      if (reader) reader(take());
      else overflow?.(mailbox, call);
    },
    take() {
      // Asking for the next says that those before are done: a reader that forgets to say it does not wait for ever.
      taken.forEach(done);
      return new Promise((resolve) => {
        const call = take();
        if (call || ended) resolve(call);
        else readers.push(resolve);
      });
    },
    done,
    end() {
      ended = true;
      taken.forEach(done);
      for (const reader of readers.splice(0)) reader();
    },
    watch(stream, stop) {
      if (typeof FinalizationRegistry === 'undefined') return;
      collected = new FinalizationRegistry(() => void stop());
      collected.register(stream, undefined);
    },
  };
}
