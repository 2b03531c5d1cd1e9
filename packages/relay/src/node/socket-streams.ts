// The stream writer on Node: a subscription's bytes go straight to its connection, and the connection's buffer is the only one.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Sink } from '@godwit/core/feed';
import type { BodyOf } from '../routes/parts.ts';
import type { AttachReading } from '../transports/attach.ts';

/** Streams that were admitted, on their way from the app to their connections. */
export interface SocketStreams {
  /** Notes what a request is answered with. */
  readonly bodyOf: BodyOf;
  /** What it is, once: undefined for a request that is answered as any other. */
  take(request: Request): AttachReading | undefined;
}

/** Makes the place where they are noted. */
export function createSocketStreams(): SocketStreams {
  // Until its answer has passed the whole app; of a request that never gets there, nothing is left.
  const noted = new WeakMap<Request, AttachReading>();
  return {
    bodyOf(request, attach) {
      noted.set(request, attach);
      return null;
    },
    take(request) {
      const attach = noted.get(request);
      noted.delete(request);
      return attach;
    },
  };
}

/**
 * Sends an answer's headers, and hands its connection over to the subscription. The body has no length and no chunks: it
 * ends with the connection (RFC 9112, section 6.3), so that one piece of memory is written to a thousand readers as it is.
 */
export function writeStream(outgoing: ServerResponse, { status, headers }: Response, attach: AttachReading): void {
  const { socket } = outgoing;
  // The reader has gone while its answer was made.
  if (socket === null || socket.destroyed) return;
  outgoing.useChunkedEncodingByDefault = false;
  outgoing.shouldKeepAlive = false;
  outgoing.writeHead(status, Object.fromEntries(headers));
  outgoing.flushHeaders();
  const reading = attach(sinkOf(socket, outgoing));
  socket.on('drain', () => reading.resume());
  socket.once('close', () => reading.detach());
}

function sinkOf(socket: Socket, outgoing: ServerResponse): Sink {
  return {
    send: (bytes) => socket.write(bufferOf(bytes)),
    close: () => void outgoing.end(),
  };
}

/** The last bytes that were sent, and Node's view of them: a thousand readers get the same ones in a row. */
let lastBytes: Uint8Array | undefined;
let lastBuffer: Buffer = Buffer.alloc(0);

function bufferOf(bytes: Uint8Array): Buffer {
  if (bytes !== lastBytes) {
    lastBytes = bytes;
    lastBuffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return lastBuffer;
}
