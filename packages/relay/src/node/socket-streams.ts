// The stream writer on Node: a subscription's bytes go straight to its connection, and the connection's buffer is the only one.
import type { Socket } from 'node:net';
import type { Sink } from '@godwit/core/feed';
import type { BodyOf } from '../routes/parts.ts';
import type { AttachReading } from '../transports/attach.ts';
import type { Exchanged } from './exchanged.ts';
import { letGo } from './let-go.ts';

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
export function writeStream(exchanged: Exchanged, response: Response, attach: AttachReading): void {
  const { incoming, outgoing, hold } = exchanged;
  const { socket } = outgoing;
  // The reader has gone while its answer was made.
  if (incoming.socket.destroyed) return;
  if (socket === null) {
    // The answer before it has yet to end, on the server's side at least: this one has its turn when Node gives it the
    // connection, and goes on once Node has done so.
    outgoing.once('socket', () => process.nextTick(writeStream, exchanged, response, attach));
    return;
  }
  outgoing.useChunkedEncodingByDefault = false;
  outgoing.shouldKeepAlive = false;
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.flushHeaders();
  const release = hold(socket);
  const isFree = letGo(exchanged, socket, () => hang(socket, attach, release));
  if (isFree) return;
  socket.on('end', () => socket.end());
  hang(socket, attach, release);
}

/**
 * A reading that is over has this long for its last words. A reader that takes nothing would hold its connection for ever; what it
 * has not had, it asks for when it comes back.
 */
const farewellMs = 15_000;

function hang(socket: Socket, attach: AttachReading, release: () => void): void {
  const reading = attach({
    send: (bytes) => socket.write(bufferOf(bytes)),
    close() {
      release();
      socket.destroySoon();
      const cut = setTimeout(() => socket.destroy(), farewellMs);
      socket.once('close', () => clearTimeout(cut));
    },
  } satisfies Sink);
  // Who ends its side of a stream has gone: here, while the answer was made.
  if (socket.readableEnded) socket.end();
  socket.on('drain', () => reading.resume());
  socket.once('close', () => reading.detach());
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
