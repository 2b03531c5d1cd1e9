// How a device reaches a relay in the same process: the reference that every other Link is held against.
import { Failure, failureToJson, isFailure, toFailure } from '../failure.ts';
import { decodeCloudEvent } from '../event/cloudevent.ts';
import type { AppendItem, Channels } from '../feed/channel.ts';
import type { Link } from '../ports/link.ts';
import { decodeFrame, type Frame } from '../protocol/frames.ts';

/** Makes a link to the channels of a relay. Everything crosses as JSON and as frames, as it would on a wire. */
export function createMemoryLink(channels: Channels): Link {
  return {
    async push(channel, events, signal) {
      return answered(signal, () => channels.channel(channel).append(events.map(itemOf)));
    },

    async *pull(positions, signal) {
      const merged = createMerged();
      try {
        for (const [channel, after] of positions) {
          const query = { after, types: [], heartbeat: true };
          const opening = (async () => channels.channel(channel).stream(query))();
          // One that opens too late is closed at once.
          opening.then((stream) => merged.add(stream)).catch(() => undefined);
          await answered(signal, () => opening);
        }
        for (;;) {
          const frames = await answered(signal, merged.next);
          if (frames === undefined) return;
          yield frames;
        }
      } finally {
        merged.end();
      }
    },

    // There is no token to forget.
    renew: () => undefined,
  } satisfies Link;
}

/** A relay refuses one malformed event, and takes its neighbours. */
function itemOf(event: unknown): AppendItem {
  const copy: unknown = JSON.parse(JSON.stringify(event));
  try {
    return { event: decodeCloudEvent(copy) };
  } catch (error) {
    const id =
      typeof copy === 'object' && copy !== null && 'id' in copy && typeof copy.id === 'string' ? copy.id : null;
    return { refused: { id, failure: failureToJson(error, { stack: false }) } };
  }
}

/** Waits for the relay until the signal aborts. A relay that has ended is one that cannot be reached. */
async function answered<Answer>(signal: AbortSignal, ask: () => Promise<Answer>): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new Failure('Unreachable', 'the call was aborted', { cause: signal.reason }));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, signal.aborted ? promise : ask()]);
  } catch (error) {
    if (isFailure(error) && error.name !== 'Closed') throw error;
    throw new Failure('Unreachable', `the relay cannot be reached: ${toFailure(error).message}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Several streams read as one: each is asked for more when what it brought was taken. */
interface Merged {
  add(stream: ReadableStream<Uint8Array>): void;
  /** What arrived next, whichever stream brought it; undefined when one of them has ended. */
  next(): Promise<readonly Frame[] | undefined>;
  end(): void;
}

interface Arrival {
  readonly take: () => readonly Frame[] | undefined;
}

function createMerged(): Merged {
  const readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  let ended = false;
  const arrivals: Arrival[] = [];
  let waiting: (() => void) | undefined;

  return {
    add(stream) {
      const reader = stream.getReader();
      if (ended) void reader.cancel();
      else {
        readers.push(reader);
        void pump(reader, createSplitter());
      }
    },
    async next() {
      if (arrivals.length === 0) await new Promise<void>((resolve) => (waiting = resolve));
      return arrivals.shift()?.take();
    },
    end() {
      ended = true;
      // A stream that has broken cannot be cancelled any more, and need not be.
      for (const reader of readers) reader.cancel().catch(() => undefined);
    },
  };

  async function pump(reader: ReadableStreamDefaultReader<Uint8Array>, split: Splitter): Promise<void> {
    try {
      for (let frames: readonly Frame[] | undefined = []; frames !== undefined;) {
        const { done, value } = await reader.read();
        frames = done ? undefined : split(value);
        await arrived(frames);
      }
    } catch (error) {
      arrivals.push({
        take() {
          throw error;
        },
      });
      waiting?.();
    }
  }

  /** Resolves when it was taken. */
  function arrived(frames: readonly Frame[] | undefined): Promise<void> {
    return new Promise((resolve) => {
      arrivals.push({
        take() {
          resolve();
          return frames;
        },
      });
      waiting?.();
    });
  }
}

type Splitter = (bytes: Uint8Array) => readonly Frame[];

/** Splits what our own relay writes: LF only, and one `data:` line. Other streams need a whole parser. */
function createSplitter(): Splitter {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    const frames = blocks.flatMap((block): readonly Frame[] => {
      const data = fieldOf(block, 'data');
      if (data === undefined) return [];
      const frame = decodeFrame({ id: fieldOf(block, 'id'), event: fieldOf(block, 'event'), data });
      return frame === undefined ? [] : [frame];
    });
    return frames.length === 0 ? [{ kind: 'heartbeat' }] : frames;
  };
}

function fieldOf(block: string, field: string): string | undefined {
  const line = block.split('\n').find((each) => each.startsWith(`${field}: `));
  return line?.slice(field.length + 2);
}
