// The port by which every transport hangs on a channel: a sink with `send` and `close`, behind a cursor that the feed counts.
import type { Attach, Channel, Sink, StreamQuery, Subscription } from '@godwit/core/feed';
import { cutFrames } from '../routes/merge.ts';

/** A reading from afar, as its transport sees it: it is told when there is room, and when its reader has gone. */
export type Reading = Pick<Subscription, 'resume' | 'detach'>;

/** Attaches a transport's sink to a reading that was admitted. What is sent are whole frames of rule 2. */
export type AttachReading = (sink: Sink) => Reading;

/**
 * Opens a reading for a sink: straight into it where the channel is in this process, by a stream where it is elsewhere, as
 * in a Durable Object. It is to be attached at once.
 */
export async function openReading(
  { subscribe, stream }: Pick<Channel, 'subscribe' | 'stream'>,
  query: StreamQuery,
): Promise<AttachReading> {
  if (subscribe !== undefined) return (await subscribe(query)) satisfies Attach;
  const opened = await stream(query);
  return (sink) => pour(opened, sink);
}

/** Reads on only while the sink has room: what it does not take stays with the channel. */
function pour(stream: ReadableStream<Uint8Array>, sink: Sink): Reading {
  const reader = stream.getReader();
  let isOver = false;
  let wake: (() => void) | undefined;
  const run = async (): Promise<void> => {
    let rest: Uint8Array = new Uint8Array();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || isOver) return;
      const { frames, left } = cutFrames(rest, value);
      rest = left;
      if (frames.byteLength > 0 && !sink.send(frames)) await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  void run()
    // A channel that breaks off ends the reading: its reader resumes.
    .catch(() => undefined)
    .finally(over);
  return {
    resume: () => wake?.(),
    detach() {
      if (isOver) return;
      isOver = true;
      wake?.();
      void reader.cancel().catch(() => undefined);
    },
  };
  function over(): void {
    if (!isOver) sink.close();
    isOver = true;
  }
}
