// A line to a relay that breaks where the test says: behind so many bytes of an answer's body.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserCommand } from 'vitest/node';

const cutters = new Map<string, () => Promise<void>>();

/** Stands before a relay: what is asked at `/7/v1/…` is answered as at `/v1/…`, and broken off behind the seventh byte. */
const openCutter: BrowserCommand<[relay: string]> = async (_context, relay) => {
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const [, bytes = '', path = ''] = /^\/(\d+)(\/.*)$/.exec(request.url ?? '') ?? [];
    void (async () => {
      const { accept = '*/*', origin = '' } = request.headers;
      const answer = await fetch(relay + path, { headers: { accept, origin }, signal: gone.signal });
      const headers = Object.fromEntries(answer.headers);
      for (const name of ['content-encoding', 'content-length', 'transfer-encoding', 'connection'])
        delete headers[name];
      response.writeHead(answer.status, headers);
      response.flushHeaders();
      let left = Number(bytes);
      if (left === 0) response.destroy();
      for await (const chunk of answer.body ?? []) {
        const part = chunk.subarray(0, left);
        left -= part.length;
        await new Promise<void>((resolve) => response.write(part, () => resolve()));
        if (left === 0) response.destroy();
      }
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  cutters.set(url, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return url;
};

const closeCutter: BrowserCommand<[url: string]> = async (_context, url) => {
  await cutters.get(url)?.();
  cutters.delete(url);
};

/** What tests in the browser ask of Node. */
export const cutterCommands = { openCutter, closeCutter };

declare module 'vitest/browser' {
  interface BrowserCommands {
    openCutter(relay: string): Promise<string>;
    closeCutter(url: string): Promise<void>;
  }
}
