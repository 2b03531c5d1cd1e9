// Sockets on Workers: the Worker holds them, beside the streams that it reads from its channels' objects.
import { waitUntil } from 'cloudflare:workers';
import type { Upgrade } from '../routes/parts.ts';

/**
 * Accepts a handshake. The platform keeps what a slow reader has not taken, and does not say how much: only on Node does
 * a socket hold its reading back.
 */
export const upgradeSocket: Upgrade = (_request, { protocol, open }) => {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  const session = open({
    send(text) {
      server.send(text);
      return true;
    },
    close(code, reason) {
      server.close(code, reason);
    },
  });
  server.addEventListener('message', ({ data }) => session.message(typeof data === 'string' ? data : undefined));
  server.addEventListener('close', ({ code }) => {
    // With the socket, the request is over: what it has published and not yet stored would be given up.
    waitUntil(session.gone());
    // The handshake of the end: without an answer, the client waits for it.
    server.close(code === 1005 || code === 1006 ? 1000 : code);
  });
  server.addEventListener('error', () => waitUntil(session.gone()));
  const headers = protocol === undefined ? {} : { 'sec-websocket-protocol': protocol };
  return new Response(null, { status: 101, webSocket: client, headers });
};
