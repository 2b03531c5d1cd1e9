// What Node keeps of a request for as long as its answer lasts: let go of on a connection that is a stream from now on.
import type { Socket } from 'node:net';
import type { Exchanged } from './exchanged.ts';

/** Who listens to a connection for Node's HTTP, by the names that its listeners have (Node 24, `lib/_http_server.js`). */
const listenersOfHttp: readonly (readonly [event: string, name: string])[] = [
  ['data', 'bound socketOnData'],
  ['end', 'bound socketOnEnd'],
  ['drain', 'bound socketOnDrain'],
  ['error', 'socketOnError'],
  ['timeout', 'socketOnTimeout'],
  ['pause', 'onSocketPause'],
  ['resume', 'onSocketResume'],
  ['close', 'bound socketOnClose'],
];

type Listener = (...args: readonly unknown[]) => void;

/**
 * Ends an answer whose head is written, so that its connection is nobody's but the caller's: request, answer and parser are
 * free again. Node does so itself where a client asks for an upgrade; this goes the same steps. `done` is called once it
 * is so. Answers false where something is not as Node 24 has it: then all is as it was, and works, only larger.
 */
export function letGo(
  { incoming, outgoing, isAlone }: Pick<Exchanged, 'incoming' | 'outgoing' | 'isAlone'>,
  socket: Socket,
  done: () => void,
): boolean {
  const found = listenersOfHttp.map(([event, name]) => [event, listenerOf(socket, event, name)] as const);
  // What is still to be read of a request would be taken for a word of the stream's reader.
  const isKnown =
    found.every(([, listener]) => listener !== undefined) &&
    '_last' in outgoing &&
    incoming.complete &&
    isAlone(socket);
  if (!isKnown) return false;
  // An answer without a length is a connection's last: Node would end it behind this one.
  Reflect.set(outgoing, '_last', false);
  outgoing.once('finish', () => {
    if (socket.destroyed) return;
    // Another request has come meanwhile, and would be answered within the stream.
    if (!isAlone(socket)) {
      socket.destroy();
      return;
    }
    // It waits for no next request.
    socket.setTimeout(0);
    for (const [event, listener] of found) if (listener !== undefined) socket.removeListener(event, listener);
    // Its last act, as when the connection has ended: it gives the parser back.
    found.at(-1)?.[1]?.call(socket);
    socket.on('error', ignore);
    socket.on('end', end);
    socket.on('data', refuse);
    done();
  });
  outgoing.end();
  return true;
}

function listenerOf(socket: Socket, event: string, name: string): Listener | undefined {
  // What listens is a function, and takes what the event brings.
  return socket.listeners(event).find((listener) => listener.name === name) as Listener | undefined;
}

// The same three for all connections: ten thousand of them are to keep no functions of their own.
function ignore(): void {}

function end(this: Socket): void {
  this.end();
}

/** Nobody speaks on a stream: whatever comes is no request that could be answered on it. */
function refuse(this: Socket): void {
  this.destroy();
}
