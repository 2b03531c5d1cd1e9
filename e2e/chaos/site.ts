// Serves the page that every tab opens, and takes what the tabs tell. No fault touches it: it is the judge's own line.
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { join, normalize } from 'node:path';
import { portOf } from './ports.ts';
import type { Orders, Tale } from './tale.ts';

/** What the tabs' words lead to. */
export interface Listener {
  told(tale: Tale): Orders;
  /** A durable handler of this tab has handled these events. */
  handled(tab: string, ids: readonly string[]): void;
}

/** The site. */
export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves what stands in `folder`, on a free port. */
export async function startSite(folder: string, listener: Listener): Promise<Site> {
  const server = createServer((request, response) => {
    void answer(request).then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(404).end(String(error)),
    );
  });
  const port = await portOf(server);

  async function answer(request: IncomingMessage): Promise<{ readonly type: string; readonly body: string | Buffer }> {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    if (request.method !== 'POST') {
      const type = pathname.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8';
      return { type, body: await readFile(join(folder, normalize(pathname))) };
    }
    const said = await bodyOf(request);
    if (pathname === '/tell') {
      const tale: Tale = JSON.parse(said);
      return json(listener.told(tale));
    }
    const { tab, ids }: { readonly tab: string; readonly ids: readonly string[] } = JSON.parse(said);
    listener.handled(tab, ids);
    return json({});
  }

  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function json(value: unknown): { readonly type: string; readonly body: string } {
  return { type: 'application/json', body: JSON.stringify(value) };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part;
  return text;
}
