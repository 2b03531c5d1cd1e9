// A relay on Node for a test: in this process or as the real command, in a folder of its own.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { startRelay, type RelayOptions } from '../src/node/index.ts';
import type { RawSocket, RelayStart, RelayUnderTest, SeenEnd, Shaken } from '../src/testing/index.ts';

/** A key long enough. */
export const secret: Uint8Array = new TextEncoder().encode('a key of this test, and of no other relay');

/** A folder that is gone after the test. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'godwit-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Starts a relay in this process, behind real HTTP. */
export async function start(options: RelayStart = {}, more: Partial<RelayOptions> = {}): Promise<RelayUnderTest> {
  const { secured = false, limits = {}, origins = [], tokens: { jwks, ...tokens } = {}, webhooksGoAnywhere } = options;
  const jwksUrl = jwks === undefined ? undefined : await serve(jwks);
  const key = (tokens.publicKey ?? jwksUrl) === undefined ? { secret } : { jwksUrl };
  const access = secured ? { ...key, ...tokens, cors: origins } : { insecure: true };
  const hooks = { allowPrivateWebhooks: webhooksGoAnywhere };
  const given = {
    port: 0,
    data: more.data ?? (await folder()),
    durability: 'os',
    limits,
    ...access,
    ...hooks,
  } as const;
  const relay = await startRelay({ ...given, ...more });
  return {
    url: relay.url,
    fetch: (input, init) => fetch(input, init),
    connect: shake,
    receive,
    secret,
    drain: relay.close,
    close: relay.close,
  };
}

/** The relays' ends of connections to this process, from now on until the test ends. */
export function acceptedSockets(): readonly Socket[] {
  const accepted: Socket[] = [];
  // By Node's documentation of the channel.
  const note = (message: unknown): void => void accepted.push((message as { readonly socket: Socket }).socket);
  subscribe('net.server.socket', note);
  onTestFinished(() => void unsubscribe('net.server.socket', note));
  return accepted;
}

/** A handshake by `ws`: a client that says what it is told to, and shows what was answered. */
function shake(input: string, headers: Record<string, string>): Promise<Shaken> {
  const { 'sec-websocket-protocol': protocols, ...others } = headers;
  const socket = new WebSocket(input, protocols?.split(',').map((text) => text.trim()) ?? [], { headers: others });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('unexpected-response', (_, incoming: IncomingMessage) => {
      const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
      const its = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      resolve({ response: new Response(body, { status: incoming.statusCode ?? 0, headers: its }) });
    });
    // What comes with the handshake is already under way: listened to from the first moment on.
    const early: (string | SeenEnd)[] = [];
    let listeners: Parameters<RawSocket['listen']>[0] | undefined;
    const hear = (what: string | SeenEnd): void => {
      if (listeners === undefined) early.push(what);
      else if (typeof what === 'string') listeners.message(what);
      else listeners.end(what);
    };
    socket.on('message', (data: Buffer) => hear(data.toString()));
    socket.on('close', (code, reason) => hear({ code, reason: reason.toString() }));
    socket.once('open', () => {
      socket.on('error', () => undefined);
      resolve({
        socket: {
          protocol: socket.protocol,
          send: (data) => socket.send(data),
          close: (code) => socket.close(code),
          listen(its) {
            listeners = its;
            for (const what of early.splice(0)) hear(what);
          },
        },
      });
    });
  });
}

/** A receiver of webhooks, on this machine. */
async function receive(answer: Parameters<RelayUnderTest['receive']>[0]): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk) => (body += String(chunk)));
    incoming.on('end', () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as const);
      const its = answer({ headers: Object.fromEntries(headers), body });
      if (its === undefined) incoming.socket.destroy();
      else outgoing.writeHead(its.status, its.headers).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : ''}/hook`;
}

/** Serves answers at a port of their own until the test is over. */
async function serve(answer: () => Response): Promise<string> {
  const server = createServer((_, outgoing) => {
    const { status, body } = answer();
    outgoing.writeHead(status);
    void new Response(body).text().then((text) => outgoing.end(text));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : ''}/jwks`;
}
