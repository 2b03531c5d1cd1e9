// Sockets on Node: handshakes are answered by the app, accepted by `ws`, and looked after until they end.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Limits } from '@godwit/core/protocol';
import type { Upgrade } from '../routes/parts.ts';
import { notAHandshake } from '../routes/socket.ts';
import { writeAnswer } from './bare-answer.ts';
import type { Connections } from './connections.ts';
import { refuseTarget } from './refusals.ts';

/** Handshakes that were admitted, on their way from the app to their connections; and the sockets that came of them. */
export interface Sockets {
  /** Notes what a handshake is answered with. */
  readonly upgrade: Upgrade;
  /** Answers a handshake: by the app, and where that admits it, with a socket. */
  accept(handshake: Handshake): Promise<void>;
  /** Looks at none of them any longer. */
  stop(): void;
}

/** A request that is to become a socket. */
export interface Handshake {
  readonly incoming: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly connections: Connections;
}

/** What is known of a client at the other end of a socket. */
interface Life {
  /** Bytes up to the end of the newest ping, and of the newest that it has answered. */
  asked: number;
  taken: number;
  /** Heartbeats since it was heard, or since it was asked. */
  silentBeats: number;
}

/**
 * What a client takes within a heartbeat, at least. A ping stands behind all that was written before it, and its connection may have taken
 * megabytes that it has yet to hand over, on a slow line.
 */
const bytesPerBeat = 64 * 1024;

/** What an admitted handshake is answered with. */
type Admitted = Parameters<Upgrade>[1];

/** Makes the sockets of a relay. */
export function createSockets({ batchBytesMax, heartbeatMs }: Pick<Limits, 'batchBytesMax' | 'heartbeatMs'>): Sockets {
  const noted = new WeakMap<Request, Admitted>();
  const chosen = new WeakMap<IncomingMessage, string | false>();
  const lives = new Map<WebSocket, { readonly connection: Socket; readonly life: Life }>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: batchBytesMax,
    // Events are small, and a window of its own per socket is not: 32 KiB and more.
    perMessageDeflate: false,
    handleProtocols: (_offered, incoming) => chosen.get(incoming) ?? false,
  });
  // A key or a version that is none, which `ws` would answer in HTML.
  server.on('wsClientError', (error, socket, incoming) => {
    void writeAnswer(socket, notAHandshake(`${incoming.url ?? ''} is a WebSocket (RFC 6455): ${error.message}`));
  });
  // Behind what has come by then: where this process was held up, an answer that was in time is still to be read.
  const beat = setInterval(() => setImmediate(lookAtAll), heartbeatMs);
  beat.unref();

  return {
    upgrade(request, admitted) {
      noted.set(request, admitted);
      return new Response(null);
    },
    async accept({ incoming, socket, head, fetch, connections }) {
      // Whatever becomes of it, nobody else hears of its end.
      socket.on('error', () => socket.destroy());
      const { request, response } = await answered(incoming, fetch);
      const admitted = request === undefined ? undefined : noted.get(request);
      if (admitted === undefined) return writeAnswer(socket, response);
      if (socket.destroyed) return undefined;
      chosen.set(incoming, admitted.protocol ?? false);
      server.handleUpgrade(incoming, socket, head, (its) => serve(its, socket, admitted, connections));
      return undefined;
    },
    stop: () => clearInterval(beat),
  };

  function serve(its: WebSocket, socket: Socket, { open }: Admitted, connections: Connections): void {
    const release = connections.hold(socket);
    const life: Life = { asked: 0, taken: 0, silentBeats: 0 };
    lives.set(its, { connection: socket, life });
    const session = open({
      send(text) {
        its.send(text);
        return !socket.writableNeedDrain;
      },
      close(code, reason) {
        its.close(code, reason);
        release();
      },
    });
    its.on('message', (data, isBinary) => {
      life.silentBeats = 0;
      // Text was checked to be UTF-8 by then.
      session.message(isBinary || !Buffer.isBuffer(data) ? undefined : data.toString());
    });
    its.on('pong', () => {
      life.silentBeats = 0;
      life.taken = life.asked;
    });
    // It was no WebSocket's, or too large: `ws` has answered by the code for it, and closes.
    its.on('error', () => undefined);
    its.on('close', () => {
      lives.delete(its);
      release();
      void session.gone();
    });
    socket.on('drain', () => session.drained());
  }

  function lookAtAll(): void {
    for (const [socket, { connection, life }] of lives) look(socket, connection, life);
  }

  function look(its: WebSocket, connection: Socket, life: Life): void {
    // One that is slow has its pong still to write; TCP knows whether anybody is there.
    if (its.bufferedAmount > 0) return;
    const toTake = life.asked - life.taken;
    if (life.silentBeats > 0 && life.silentBeats * bytesPerBeat >= toTake) return its.terminate();
    life.silentBeats += 1;
    // The ping before has no answer yet.
    if (toTake > 0) return;
    its.ping();
    life.asked = connection.bytesWritten;
  }
}

async function answered(
  incoming: IncomingMessage,
  fetch: Handshake['fetch'],
): Promise<{ readonly request?: Request; readonly response: Response }> {
  try {
    const request = requestOf(incoming);
    return { request, response: await fetch(request) };
  } catch (error) {
    return { response: refuseTarget(error) };
  }
}

function requestOf({ url = '/', rawHeaders }: IncomingMessage): Request {
  const headers = new Headers();
  // Names and values by turns.
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  const host = headers.get('host');
  if (host === null) throw new Error('it has no Host');
  return new Request(new URL(url, `http://${host}`), { headers });
}
