// A plain TCP proxy: what cuts connections the way networks do. Playwright's offline switch leaves open streams running.
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** How the proxy treats connections. */
type ProxyMode =
  /** Passes everything on. */
  | 'up'
  /** Takes connections, and moves nothing: a half-open line. */
  | 'stalled'
  /** Resets what is open, and refuses what comes. */
  | 'down';

/** A proxy in front of one port. */
export interface Proxy {
  readonly url: string;
  set(mode: ProxyMode): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of `target`. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let mode: ProxyMode = 'up';

  const server = createServer((client) => {
    if (mode === 'down') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: hostname, port: Number(port) });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.once('close', () => {
        open.delete(socket);
        other.destroy();
      });
      // A reset is what a cut line looks like; the other side sees it as its own close.
      socket.on('error', () => other.destroy());
      socket.on('data', (bytes) => {
        other.write(bytes);
      });
      if (mode === 'stalled') socket.pause();
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    set(next) {
      mode = next;
      for (const socket of open) {
        if (mode === 'down') socket.resetAndDestroy();
        else if (mode === 'stalled') socket.pause();
        else socket.resume();
      }
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
