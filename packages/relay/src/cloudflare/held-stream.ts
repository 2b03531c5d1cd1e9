// A stream that can be ended from elsewhere than its reader: whoever reads it over RPC may be gone without a word.

/** A stream and its end. */
export interface HeldStream {
  readonly stream: ReadableStream<Uint8Array>;
  /** Cancels the source; what was read of it so far is the whole stream. */
  end(): void;
}

/**
 * Passes a stream on, chunk by chunk, as its reader asks for them.
 *
 * @param ended hears once that it is over, whether it ended, failed or was cancelled
 */
export function holdStream(source: ReadableStream<Uint8Array>, ended: () => void = () => {}): HeldStream {
  const reader = source.getReader();
  let isEnded = false;
  const end = (): void => {
    if (isEnded) return;
    isEnded = true;
    ended();
    // Without effect on a source that has ended or failed by itself.
    reader.cancel().catch(() => {});
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        end();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
  return { stream, end };
}
