// Many streams as one: whole frames, in the order they come, no faster than the reader takes them.

/** Frames that wait for the reader; their stream waits with them. */
interface Ready {
  readonly bytes: Uint8Array;
  taken(): void;
}

/** Many sources of frames as one, and what may be put in from beside. */
export interface Merging<Source> {
  /**
   * Adds a source. When any of them ends, so does the whole: its reader then resumes them all. A `drain` with which one ends
   * is the connection's: of several, one is sent, last. What ends one so ends the others, too: what they have under way is
   * waited for.
   */
  add(source: Source): void;
  /** Puts a frame in at once; for the few that are the connection's own. */
  send(frame: Uint8Array): void;
  /** Ends; the frame goes last, unless there is one that does already. */
  drain(frame: Uint8Array): void;
  /** A tick has passed: puts the frame in if the reader waits, and this many have passed since it got something. */
  beat(ticks: number, frame: Uint8Array): void;
  end(): void;
  /** Hears of the end, whoever ends it, unless stopped; at once where it is over. */
  onEnd(listener: () => void): () => void;
}

/** A merged stream. */
export interface Merged extends Merging<ReadableStream<Uint8Array>> {
  readonly stream: ReadableStream<Uint8Array>;
}

/** Makes a merged stream. */
export function createMerged(): Merged {
  const endings = new Set<() => void>();
  const readers = new Set<ReadableStreamDefaultReader<Uint8Array>>();
  const ready: Ready[] = [];
  let isWanted = false;
  let silentTicks = 0;
  let isEnding = false;
  let isOver = false;
  let drainFrame: Uint8Array | undefined;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  const stream = new ReadableStream<Uint8Array>(
    {
      start(its) {
        controller = its;
      },
      pull() {
        const next = ready.shift();
        if (next === undefined) {
          isWanted = true;
          return;
        }
        enqueue(next.bytes);
        next.taken();
        if (isEnding && ready.length === 0) close();
      },
      cancel() {
        finish();
      },
    },
    // Nothing is held here: what the reader has not asked for stays with the streams.
    { highWaterMark: 0 },
  );

  return {
    stream,
    add(source) {
      if (isOver || isEnding) void source.cancel().catch(() => undefined);
      else void forward(source);
    },
    send(frame) {
      if (!isOver) enqueue(frame);
    },
    drain(frame) {
      drainFrame ??= frame;
      end();
    },
    beat(ticks, frame) {
      silentTicks += 1;
      if (!isOver && isWanted && silentTicks >= ticks) enqueue(frame);
    },
    end,
    onEnd(listener) {
      if (isOver) listener();
      else endings.add(listener);
      return () => endings.delete(listener);
    },
  };

  async function forward(source: ReadableStream<Uint8Array>): Promise<void> {
    const reader = source.getReader();
    readers.add(reader);
    let rest: Uint8Array = new Uint8Array();
    let isDrained = false;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || isOver) break;
        const { frames, left } = cutFrames(rest, value);
        rest = left;
        const { others, drain } = cutDrain(frames);
        drainFrame ??= drain;
        isDrained ||= drain !== undefined;
        if (others.byteLength > 0) await hand(others);
      }
    } catch {
      // A channel that breaks off ends the connection: resuming is how its reader gets it back.
    }
    readers.delete(reader);
    // What the others have handed over by then is counted as delivered, and may still be on its way here.
    if (!isDrained || readers.size === 0) end();
  }

  function hand(bytes: Uint8Array): Promise<void> | void {
    if (isOver) return;
    if (!isWanted) return new Promise((resolve) => ready.push({ bytes, taken: resolve }));
    enqueue(bytes);
  }

  function enqueue(bytes: Uint8Array): void {
    isWanted = false;
    silentTicks = 0;
    controller?.enqueue(bytes);
  }

  function end(): void {
    isEnding = true;
    if (ready.length === 0) close();
  }

  function close(): void {
    if (isOver) return;
    if (drainFrame !== undefined) enqueue(drainFrame);
    controller?.close();
    finish();
  }

  function finish(): void {
    if (isOver) return;
    isOver = true;
    for (const { taken } of ready.splice(0)) taken();
    for (const reader of readers) void reader.cancel().catch(() => undefined);
    for (const listener of endings) listener();
  }
}

const lineFeed = 10;
const drainStart = new TextEncoder().encode('event: drain\n');
/** A `drain` is no longer than this: what is longer is an event, and need not be searched to its beginning. */
const drainBytesMax = 256;

/** Cuts a `drain` off the end, where a stream has nothing behind it. */
function cutDrain(frames: Uint8Array): { readonly others: Uint8Array; readonly drain?: Uint8Array } {
  const least = Math.max(0, frames.byteLength - drainBytesMax);
  let begin = Math.max(0, frames.byteLength - 2);
  while (begin > least && !(frames[begin - 1] === lineFeed && frames[begin - 2] === lineFeed)) begin -= 1;
  const last = frames.subarray(begin);
  if (!drainStart.every((byte, index) => last[index] === byte)) return { others: frames };
  return { others: frames.subarray(0, begin), drain: last };
}

/** Cuts behind the last whole frame: a network between here and the channel cuts anywhere. */
export function cutFrames(
  rest: Uint8Array,
  chunk: Uint8Array,
): { readonly frames: Uint8Array; readonly left: Uint8Array } {
  let all = chunk;
  if (rest.byteLength > 0) {
    all = new Uint8Array(rest.byteLength + chunk.byteLength);
    all.set(rest);
    all.set(chunk, rest.byteLength);
  }
  let end = all.byteLength;
  while (end > 1 && !(all[end - 1] === lineFeed && all[end - 2] === lineFeed)) end -= 1;
  if (end <= 1) end = 0;
  return { frames: all.subarray(0, end), left: all.subarray(end) };
}
