// HTTP on Node: an app behind a port, with bounds on how slowly a client may speak, and an end that cuts nobody off mid-word.
import type { AddressInfo } from 'node:net';
import { createServer, IncomingMessage, ServerResponse, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Failure } from '@godwit/core';
import type { Limits } from '@godwit/core/protocol';
import { followConnections, type Connections } from './connections.ts';
import { followCrowd, loopback } from './crowd.ts';
import type { PostOnNode } from './posts.ts';
import {
  answerAboutAll,
  isAboutAll,
  nameOwnHost,
  passOverUpgrade,
  refusalOf,
  refuseExpectation,
  refuseTarget,
  refuseTunnel,
  refuseUnreadable,
} from './refusals.ts';
import { writeStream } from './socket-streams.ts';
import type { Sockets } from './sockets.ts';
import type { AttachReading } from '../transports/attach.ts';

/** A server that listens. */
export interface Listening {
  readonly url: string;
  /** Takes no more connections, lets requests under way end, and cuts those that do not. */
  close(): Promise<void>;
}

/** Longer than the pause between two posts of a busy device; shorter than proxies keep what they think is theirs. */
const keepAliveTimeoutMs = 65_000;
/** How late slow headers and slow bodies may be noticed, as a part of the time that they have. */
const lateness = 1 / 3;
/** Who takes nothing of an answer for so many times as long as a request may take is let go of; who is slow to ask has had its 408 by then. */
const silence = 2;
/** What is under way when the relay ends has this long: streams end at once, posts within a commit. */
export const endWithinMs = 5000;
const sweepEveryMs = 50;
/** A request for the most channels, of the longest names, has some 46 KiB; Node's own bound is 16. */
const headerBytesMax = 64 * 1024;

/**
 * Listens.
 *
 * @throws Failure `InvalidOptions` when the port cannot be had
 */
export async function listen(options: {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Answers a post by a shorter way; undefined where it is to be answered as any other. */
  readonly post?: PostOnNode | undefined;
  /** What a request is to be answered with on its bare connection, if it is; asked once its answer is made. */
  readonly streamOf?: (request: Request) => AttachReading | undefined;
  /** What handshakes of sockets are handed to; without it, they are requests like others. */
  readonly sockets?: Sockets | undefined;
  /**
   * Nothing but the relay runs here: the global `Request` and `Response` become those of Hono's server, which are lighter.
   * Otherwise they stay Node's own, for whoever starts a relay in a process of theirs.
   */
  readonly ownsProcess?: boolean | undefined;
  readonly host: string;
  readonly port: number;
  readonly limits: Pick<Limits, 'headersMsMax' | 'requestMsMax' | 'connectionsPerClientMax' | 'batchBytesMax'>;
  /** Addresses of proxies, whose connections are those of many clients; those of this machine unless said. */
  readonly proxies?: readonly string[] | undefined;
}): Promise<Listening> {
  const {
    fetch,
    post = () => undefined,
    streamOf = () => undefined,
    ownsProcess = false,
    sockets,
    host,
    port,
    limits,
    proxies = loopback,
  } = options;
  const listener = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const response = refusalOf(incoming) ?? (await (post(request, incoming) ?? fetch(request)));
      const attach = streamOf(request);
      // Over HTTP/1.1 alone: this server speaks nothing else.
      if (attach === undefined || !(incoming instanceof IncomingMessage) || !(outgoing instanceof ServerResponse)) {
        return response;
      }
      writeStream({ incoming, outgoing, ...connections }, response, attach);
      return RESPONSE_ALREADY_SENT;
    },
    { overrideGlobalObjects: ownsProcess, errorHandler: refuseTarget },
  );
  const timeouts = {
    // Node wants the first to be the shorter.
    headersTimeout: Math.min(limits.headersMsMax, limits.requestMsMax),
    requestTimeout: limits.requestMsMax,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.ceil(Math.min(limits.headersMsMax, limits.requestMsMax) * lateness),
  };
  const server = createServer(
    // A request without a Host is answered by the listener, which says what is missing.
    {
      ...timeouts,
      maxHeaderSize: headerBytesMax,
      requireHostHeader: false,
      noDelay: true,
      // Whatever else one may want to upgrade to is answered as if that had not been said (RFC 9110, section 7.8).
      shouldUpgradeCallback: ({ method, headers, socket }) =>
        sockets !== undefined &&
        method === 'GET' &&
        headers.upgrade?.toLowerCase() === 'websocket' &&
        !crowd.isBeyond(socket) &&
        // An answer that is still to come would be written among the socket's frames: in its turn, it is a request like others.
        connections.exchangesOn(socket).length === 0,
    },
    (incoming, outgoing) => {
      if (crowd.isBeyond(incoming.socket)) return crowd.refuse(outgoing);
      passOverUpgrade(incoming);
      nameOwnHost(incoming);
      if (isAboutAll(incoming)) return answerAboutAll(outgoing);
      void listener(incoming, outgoing);
    },
  );
  // Who ends its side behind a request waits for the answer: Node would end the other before that, and an event be stored of which
  // its publisher never hears. It is in no documentation, but in Node's `lib/_http_server.js`.
  Reflect.set(server, 'httpAllowHalfOpen', true);
  const crowd = followCrowd(server, limits.connectionsPerClientMax, proxies);
  const connections = followConnections(server);
  // Node tells of a silent connection, and ends none once somebody listens.
  server.setTimeout(limits.requestMsMax * silence, (socket) => {
    if (connections.isForsaken(socket)) socket.destroy();
  });
  server.on('upgrade', (incoming, socket, head) => {
    void sockets?.accept({ incoming, socket: socket as Socket, head, fetch, connections });
  });
  server.on('checkContinue', (incoming, outgoing) => {
    // What is too large is refused instead, before any of it is sent.
    if (!(Number(incoming.headers['content-length']) > limits.batchBytesMax)) outgoing.writeContinue();
    server.emit('request', incoming, outgoing);
  });
  server.on('checkExpectation', refuseExpectation);
  server.on('connect', (_incoming, socket) => {
    // Its answer would be taken for that of the request before it.
    if (connections.exchangesOn(socket as Socket).length > 0) socket.destroy();
    else refuseTunnel(socket);
  });
  server.on('clientError', (error, socket) => {
    // What a server of TCP accepts is a socket, whatever else may be handed to it by hand.
    refuseUnreadable(error, socket as Socket, connections.exchangesOn(socket as Socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const isPort = 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
      const message = `cannot listen on ${host}:${port}: ${error.message}; name another --${isPort ? 'port' : 'host'}`;
      reject(new Failure('InvalidOptions', message, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  return { url: urlOf(server, host), close: () => closeServer(server, connections) };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  // Where it listens everywhere, this machine is one of the places.
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

async function closeServer(server: Server, connections: Connections): Promise<void> {
  // Node's own `closeAllConnections` passes over those that stream, or speak another protocol by now.
  const cut = setTimeout(() => connections.cut(), endWithinMs);
  connections.announceEnd();
  // A connection whose last answer had begun was promised to be kept; nobody else tells it that there will be no next.
  const sweep = setInterval(() => connections.endIdle(), sweepEveryMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    connections.endIdle();
  });
  clearTimeout(cut);
  clearInterval(sweep);
}
