// The stream writer on Node: a subscription's bytes go to its connection as they are, and the connection's buffer is the only one.
import type { Socket } from 'node:net';
import type { BodyOf } from '../routes/parts.ts';
import type { AttachReading } from '../transports/attach.ts';
import type { Exchanged } from './exchanged.ts';
import { letGo } from './let-go.ts';
import { SocketSink } from './socket-sink.ts';

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
  const isFree = letGo(exchanged, socket, () => hang(socket, true, attach, release));
  if (isFree) return;
  socket.on('end', () => socket.end());
  hang(socket, false, attach, release);
}

function hang(socket: Socket, isFree: boolean, attach: AttachReading, release: () => void): void {
  const sink = new SocketSink(socket, isFree, release);
  const reading = attach(sink);
  // Who ends its side of a stream has gone: here, while the answer was made. What there was for it is on its way.
  if (socket.readableEnded) {
    sink.flush();
    socket.end();
  }
  socket.on('drain', () => reading.resume());
  socket.once('close', () => reading.detach());
}
