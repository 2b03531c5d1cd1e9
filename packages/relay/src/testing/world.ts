// For the contract: a relay under test, a channel of its own per test, and what one says to it.
import type { Limits } from '@godwit/core/protocol';
import { onTestFinished } from 'vitest';
import { mintToken, type Signing } from '../authority/mint.ts';
import { readFrames, type FrameReader } from './frames.ts';
import { readSocket, type Shaken, type SocketReader } from './sockets.ts';

/** How the relay under test is started. */
export interface RelayStart {
  /** With a key: tokens are wanted. Otherwise it is open to all. */
  readonly secured?: boolean;
  readonly limits?: Partial<Limits>;
  /** Origins whose pages may use it, where it is secured. */
  readonly origins?: readonly string[];
  /** Which tokens count, where it is secured: those of its secret, unless there is another key. */
  readonly tokens?: TokenStart;
  /** Webhooks may go to wherever this test's receivers are. */
  readonly webhooksGoAnywhere?: boolean;
}

/** Which tokens count. */
export interface TokenStart {
  readonly publicKey?: string;
  /** Answers for the issuer of the tokens, when its keys are asked for by URL. */
  readonly jwks?: () => Response;
  readonly issuer?: readonly string[];
  readonly audience?: readonly string[];
  readonly tokenInQuery?: boolean;
}

/** A relay that runs. */
export interface RelayUnderTest {
  readonly url: string;
  readonly fetch: (input: string, init?: RequestInit) => Promise<Response>;
  /** Asks for a socket. */
  readonly connect: (input: string, headers: Record<string, string>) => Promise<Shaken>;
  /** The key of a secured relay. */
  readonly secret?: Uint8Array;
  /** Tells the relay that it is to go away; absent where the platform gives no notice. */
  drain?(): Promise<void>;
  /** True where something in front of it answers in its place: for a relay that is gone, and to a path that it takes for none. */
  readonly isBehindProxy?: boolean;
  /** True where stats are what channels have told of themselves, and come a moment later. */
  readonly statsAreTold?: boolean;
  /** Makes a receiver of webhooks, which ends with the test; answers its URL. */
  receive(answer: (delivered: Delivered) => ReceiverAnswer): Promise<string>;
  close(): Promise<void>;
}

/** What a webhook's receiver is sent. */
export interface Delivered {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What it answers; undefined breaks its connection off. */
export type ReceiverAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | undefined;

/** What a token allows. */
export interface Claims {
  readonly publish?: unknown;
  readonly subscribe?: unknown;
  readonly manage?: unknown;
  /** When it expires, in seconds since 1970. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly iss?: string;
  readonly aud?: string | readonly string[];
  readonly sub?: string;
}

/** A result of a POST. */
export type Result = Readonly<Record<string, unknown>> & { readonly status: string; readonly offset: string };

/** One test's view of a relay. */
export interface RelayWorld {
  readonly relay: RelayUnderTest;
  /** A channel that no other test uses. */
  readonly channel: string;
  readonly path: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(
    type: string,
    body: RequestInit['body'] | object,
    headers?: Record<string, string>,
    path?: string,
  ): Promise<Response>;
  /** Posts a batch that must be taken. */
  publish(...events: readonly object[]): Promise<readonly Result[]>;
  /** Opens a stream, of this test's channel unless a path is given. */
  open(query?: string, headers?: Record<string, string>, path?: string): Promise<FrameReader>;
  /** Opens a socket of this test's channel. */
  connect(query?: string, headers?: Record<string, string>): Promise<SocketReader>;
  /** A handshake that is to be refused. */
  refused(query?: string, headers?: Record<string, string>): Promise<Response>;
  page(query?: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  stat(): Promise<Readonly<Record<string, unknown>>>;
  /** Signs a token, with the relay's secret unless said. */
  token(claims: Claims, signing?: Signing): Promise<string>;
}

/** Batched mode. */
export const batchType = 'application/cloudevents-batch+json';
/** Structured mode. */
export const eventType = 'application/cloudevents+json';

/** An event of alice's. */
export function eventOf(id: string, more: object = {}): Readonly<Record<string, unknown>> {
  return { specversion: '1.0', id, source: '/alice', type: 'todo.added', ...more };
}

/** The `exp` of a token whose end is waited for: what ends with it is open before, also where a machine stalls for seconds. */
export function endsSoon(): number {
  return Math.floor(Date.now() / 1000) + 5;
}

/** Numbers from `from` to `to`, as text. */
export function ids(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

/** Starts a relay for one test, and ends it with the test. */
export async function createRelayWorld(
  start: (options?: RelayStart) => Promise<RelayUnderTest>,
  options: RelayStart = {},
): Promise<RelayWorld> {
  const relay = await start(options);
  const streams: FrameReader[] = [];
  const sockets: SocketReader[] = [];
  onTestFinished(async () => {
    await Promise.all(streams.map((stream) => stream.cancel().catch(() => undefined)));
    for (const socket of sockets) socket.close();
    await relay.close();
  });
  const channel = `test:${crypto.randomUUID()}`;
  const path = `/v1/channels/${channel}/events`;
  const socketPath = `/v1/channels/${channel}/socket`;
  const get: RelayWorld['get'] = (where, headers = {}) => relay.fetch(relay.url + where, { headers });
  const post: RelayWorld['post'] = (type, body, headers = {}, where = path) => {
    const isPlain =
      typeof body === 'object' &&
      body !== null &&
      [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(body));
    return relay.fetch(relay.url + where, {
      method: 'POST',
      headers: { ...(type === '' ? {} : { 'content-type': type }), ...headers },
      body: isPlain ? JSON.stringify(body) : (body as NonNullable<RequestInit['body']>),
    });
  };

  return {
    relay,
    channel,
    path,
    get,
    post,
    async publish(...events) {
      const response = await post(batchType, events);
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      return ((await response.json()) as { readonly results: readonly Result[] }).results;
    },
    async open(query = '', headers = {}, where = path) {
      const response = await get(where + query, { accept: 'text/event-stream', ...headers });
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      const stream = readFrames(response);
      streams.push(stream);
      return stream;
    },
    async connect(query = '', headers = {}) {
      const shaken = await relay.connect(relay.url + socketPath + query, headers);
      if ('response' in shaken) throw new Error(`${shaken.response.status} ${await shaken.response.text()}`);
      const socket = readSocket(shaken.socket);
      sockets.push(socket);
      return socket;
    },
    async refused(query = '', headers = {}) {
      const shaken = await relay.connect(relay.url + socketPath + query, headers);
      if ('response' in shaken) return shaken.response;
      throw new Error('the handshake was accepted');
    },
    async page(query = '?after=earliest') {
      return (await (await get(path + query)).json()) as readonly Record<string, unknown>[];
    },
    async stat() {
      return (await (await get(`/v1/channels/${channel}`)).json()) as Record<string, unknown>;
    },
    token(claims, signing = { key: relay.secret ?? new Uint8Array(32), alg: 'HS256' }) {
      return mintToken(signing, { ...claims });
    },
  };
}
