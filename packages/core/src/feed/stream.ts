// The stream writer: a subscription as a web stream, the same on Node and workerd, that holds no more than its reader lets it.
import type { Attach } from './channel.ts';
import type { Subscription } from './subscriber.ts';

/** What is handed over before the reader asks for it: about one full socket write. */
const highWaterMarkBytes = 64 * 1024;

/** Makes the stream of a subscription. Cancelling it detaches the subscription. */
export function createSubscriptionStream(
  attach: Attach,
  highWaterMark: number = highWaterMarkBytes,
): ReadableStream<Uint8Array> {
  let subscription: Subscription | undefined;
  let isClosed = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        subscription = attach({
          send(bytes) {
            controller.enqueue(bytes);
            return (controller.desiredSize ?? 0) > 0;
          },
          close() {
            if (!isClosed) controller.close();
            isClosed = true;
          },
        });
      },
      pull() {
        subscription?.resume();
      },
      cancel() {
        isClosed = true;
        subscription?.detach();
      },
    },
    { highWaterMark, size: (bytes) => bytes.byteLength },
  );
}
