// A device and a relay in one process: the reference of Link. It reads the very frames that a network would carry.
import { decodeCloudEvent, type CloudEvent } from '../event/cloudevent.ts';
import { failureToJson } from '../failure.ts';
import type { Channels, AppendItem } from '../feed/channel.ts';
import type { Link } from '../ports/link.ts';
import { decodeFrame, type Frame, type StreamMessage } from '../protocol/frames.ts';

/** Makes a link to the channels of a relay in this process. */
export function createMemoryLink(channels: Channels): Link {
  return {
    async push(channel, events, signal) {
      signal.throwIfAborted();
      return channels.channel(channel).append(events.map(itemOf));
    },
    async *pull(positions, signal) {
      const streams = await Promise.all(
        [...positions].map(([name, after]) => channels.channel(name).stream({ after, types: [], heartbeat: true })),
      );
      const readers = streams.map((stream) => stream.getReader());
      const cancel = (): void => void Promise.all(readers.map((reader) => reader.cancel())).catch(() => undefined);
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) cancel();
      try {
        // One read of each channel is always under way; whichever answers first is served first.
        const reads = new Map(readers.map((reader) => [reader, readFrames(reader, createFrameSplitter())]));
        while (reads.size > 0 && !signal.aborted) {
          const next = await Promise.race(reads.values());
          if (next.done) return;
          reads.set(next.reader, readFrames(next.reader, next.split));
          if (next.frames.length > 0) yield next.frames;
        }
      } finally {
        signal.removeEventListener('abort', cancel);
        cancel();
      }
    },
    renew: () => undefined,
  } satisfies Link;
}

function itemOf(event: CloudEvent): AppendItem {
  try {
    return { event: decodeCloudEvent(event) };
  } catch (error) {
    return { refused: { id: event.id, failure: failureToJson(error, { stack: false }) } };
  }
}

interface Read {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly split: (bytes: Uint8Array) => readonly Frame[];
  readonly done: boolean;
  readonly frames: readonly Frame[];
}

async function readFrames(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  split: (bytes: Uint8Array) => readonly Frame[],
): Promise<Read> {
  const { done, value } = await reader.read();
  return { reader, split, done, frames: value === undefined ? [] : split(value) };
}

/** Cuts a feed's bytes into frames. It understands what a feed writes, not all that Server-Sent Events allow. */
function createFrameSplitter(): (bytes: Uint8Array) => readonly Frame[] {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    return blocks.flatMap((block): readonly Frame[] => {
      const message = messageOf(block);
      if (message === undefined) return [{ kind: 'heartbeat' }];
      const frame = decodeFrame(message);
      return frame === undefined ? [] : [frame];
    });
  };
}

function messageOf(block: string): StreamMessage | undefined {
  const message: { id?: string; event?: string; data?: string } = {};
  for (const line of block.split('\n')) {
    const [, field, value] = /^(id|event|data): (.*)$/.exec(line) ?? [];
    if (field === 'id' || field === 'event' || field === 'data') message[field] = value ?? '';
  }
  const { data } = message;
  return data === undefined ? undefined : { ...message, data };
}
