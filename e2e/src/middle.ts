// What may stand between a device and its relay and speaks HTTP: a portal, a proxy with its own mind, a gate.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request. */
export type Treatment =
  /** It goes to the relay, and the answer comes back as it is written. */
  | 'pass'
  /** The answer is held back until it has ended. */
  | 'gather'
  /** It goes to the relay, and the answer is lost on its way back. */
  | 'lose'
  /** Each frame of a stream comes twice. */
  | 'repeat'
  /** It is answered here. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

/** One request, as it came by. */
export interface Passed {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly atMs: number;
}

/** Something in between. */
export interface Middle {
  readonly url: string;
  /** What came by of the relay's API. */
  readonly passed: readonly Passed[];
  /** Says what becomes of requests of the relay's API from here on. The page itself always passes. */
  treat(how: (passed: Passed) => Treatment | Promise<Treatment>): void;
  close(): Promise<void>;
}

function passOn(_one: Passed): Treatment | Promise<Treatment> {
  return 'pass';
}

/** Stands between `target` and whoever comes. */
export async function startMiddle(target: string): Promise<Middle> {
  const passed: Passed[] = [];
  let treatment = passOn;
  const server = createServer((request, response) => {
    void take(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    passed,
    treat(how) {
      treatment = how;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { method = 'GET', url: path = '/' } = request;
    const one: Passed = { method, path, body, atMs: performance.now() };
    const isApi = path.startsWith('/v1/');
    if (isApi) passed.push(one);
    const how = isApi ? await treatment(one) : 'pass';
    if (typeof how === 'object') {
      response.writeHead(how.status, how.headers).end(how.body ?? '');
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { accept = '*/*', 'content-type': type = '' } = request.headers;
    const answer = await fetch(`${target}${path}`, {
      method,
      headers: { accept, ...(type !== '' && { 'content-type': type }) },
      ...(method === 'POST' && { body }),
      signal: gone.signal,
    });
    const repeated = createRepeater();
    const headers = Object.fromEntries(answer.headers);
    // The body comes decoded, and in other pieces.
    for (const name of ['content-encoding', 'content-length', 'transfer-encoding', 'connection']) delete headers[name];
    if (how === 'pass' || (how === 'repeat' && isStream(answer))) {
      response.writeHead(answer.status, headers);
      response.flushHeaders();
      for await (const chunk of answer.body ?? []) {
        if (how === 'pass') response.write(chunk);
        else response.write(repeated(chunk));
      }
      response.end();
      return;
    }
    const whole = await answer.bytes();
    // What is no stream comes once.
    if (how === 'lose') response.destroy();
    else response.writeHead(answer.status, headers).end(whole);
  }
}

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

/** Says each frame of a stream twice, once it is whole. */
function createRepeater(): (chunk: Uint8Array) => string {
  const decoder = new TextDecoder();
  let rest = '';
  return (chunk) => {
    rest += decoder.decode(chunk, { stream: true });
    const frames = rest.split(/(?<=\n\n)/);
    rest = frames.at(-1)?.endsWith('\n\n') === true ? '' : (frames.pop() ?? '');
    return frames.map((frame) => frame + frame).join('');
  };
}
