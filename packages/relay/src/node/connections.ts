// Which connections have a request under way: the others can be let go of at any time.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request and its answer, until that has been written. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** A server's connections. */
export interface Connections {
  /** What is under way on one, more than one where its client did not wait for answers. */
  exchangesOn(socket: Socket): readonly Exchange[];
  /** Whether no more than one request is under way on one. */
  isAlone(socket: Socket): boolean;
  /** Something else than a request is under way on one, until what it returns is called. */
  hold(socket: Socket): () => void;
  /** Whether nothing is lost with one on which nothing has moved for long: nothing is under way, or its client takes nothing of an answer. */
  isForsaken(socket: Socket): boolean;
  /** What is under way is the last on its connection, and its answer says so where it has yet to begin. */
  announceEnd(): void;
  /** Ends those on which nothing is under way, once what was written to them is sent. */
  endIdle(): void;
  /** Ends all of them, whatever is under way, and whatever has been written that nobody takes. */
  cut(): void;
}

/** Follows a server's connections. */
export function followConnections(server: Server): Connections {
  // Node's own `closeIdleConnections` passes over those that never asked anything, and browsers open such ahead of time.
  const open = new Map<Socket, Set<Exchange>>();
  const held = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.set(socket, new Set());
    socket.once('close', () => {
      open.delete(socket);
      held.delete(socket);
    });
  });
  server.on('request', (incoming, outgoing) => {
    const exchange = { incoming, outgoing };
    const under = open.get(incoming.socket);
    under?.add(exchange);
    outgoing.once('close', () => under?.delete(exchange));
  });
  return {
    exchangesOn: (socket) => [...(open.get(socket) ?? [])],
    isAlone: (socket) => (open.get(socket)?.size ?? 0) <= 1,
    hold(socket) {
      held.add(socket);
      return () => void held.delete(socket);
    },
    isForsaken: (socket) => !held.has(socket) && (open.get(socket)?.size === 0 || socket.writableLength > 0),
    announceEnd() {
      for (const under of open.values()) {
        // The last one's answer alone: Node ends a connection behind one that says so, and those behind it would get none.
        const last = [...under].at(-1);
        if (last !== undefined) last.outgoing.shouldKeepAlive = false;
      }
    },
    endIdle() {
      for (const [socket, under] of open) {
        // Of one that is ending, the end is its reader's to take, or the cut's.
        if (under.size === 0 && !held.has(socket) && !socket.writableEnded) socket.destroySoon();
      }
    },
    cut() {
      for (const socket of open.keys()) socket.destroy();
    },
  };
}
