// A plain post of events on Node: straight to what answers it, and its bytes as Node brings them. To look it up among the routes, and to
// read it as a `Request` does, took an eighth of what an event without readers costs.
import { IncomingMessage } from 'node:http';
import type { Post } from '../routes/publish.ts';

/** Answers a post; undefined where it is none, or not a plain one. */
export type PostOnNode = (request: Request, incoming: unknown) => Promise<Response> | undefined;

/** Without a query, and with the channel's name as it is, which no route would have to decode. */
const plainUrl = /^https?:\/\/[^/]+\/v1\/channels\/([\w.~:-]+)\/events$/;

/** Makes that of an app. */
export function postOnNode(post: Post): PostOnNode {
  return (request, incoming) => {
    if (request.method !== 'POST' || !(incoming instanceof IncomingMessage)) return undefined;
    const channel = plainUrl.exec(request.url)?.[1];
    // A page of another origin wants to read its answer: whether it may, the app says.
    if (channel === undefined || request.headers.get('origin') !== null) return undefined;
    return post(request, channel, () => readWhole(request, incoming));
  };
}

/** `request.arrayBuffer()` listens to the same, and to more, and copies what it got. */
async function readWhole(request: Request, incoming: IncomingMessage): Promise<Uint8Array> {
  // It knows how to find what had come whole before the connection ended.
  if (incoming.destroyed) return new Uint8Array(await request.arrayBuffer());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const [only] = chunks;
      resolve(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks));
    });
    incoming.on('error', reject);
  });
}
