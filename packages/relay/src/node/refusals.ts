// Requests that never become one for the app: those that are no HTTP, and what of others a `Request` does not show.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Failure, toFailure } from '@godwit/core';
import { binaryPrefix, mediaTypes, problemOf } from '@godwit/core/protocol';
import { problemResponse } from '../problem.ts';
import { writeAnswer, writeBare } from './bare-answer.ts';
import type { Exchange } from './connections.ts';

/** What Node answers with another status than 400. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what Node could not read, on the bare connection, and ends that. */
export function refuseUnreadable(error: Error, socket: Socket, exchanges: readonly Exchange[]): void {
  const [exchange, ...others] = exchanges;
  const last = exchanges.at(-1);
  // The connection itself failed, or an answer is under way on it: whatever is written now would be taken for its rest.
  if (!socket.writable || last?.outgoing.headersSent === true) {
    socket.destroy();
    return;
  }
  // It stands behind a request that came whole, and whose answer is still to come: what was written now would be taken for that.
  if (last?.incoming.complete === true) {
    last.outgoing.shouldKeepAlive = false;
    return;
  }
  if (others.length > 0) {
    socket.destroy();
    return;
  }
  const code = 'code' in error ? String(error.code) : '';
  const problem = problemOf(failureOf(error, exchange));
  const status = statuses[code] ?? problem.status;
  const headers = Object.entries({ 'content-type': mediaTypes.problem, 'cache-control': 'no-store' });
  writeBare(socket, status, headers, Buffer.from(JSON.stringify({ ...problem, status })));
}

/** Says no to what is not seen any more once headers of one name have been joined. On Workers nobody can tell. */
export function refusalOf({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): Response | undefined {
  const seen = new Set<string>();
  // Names and values by turns.
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const header = (rawHeaders[at] ?? '').toLowerCase();
    if (header === 'transfer-encoding' && rawHeaders[at + 1]?.toLowerCase() !== 'chunked') {
      const coding = JSON.stringify(rawHeaders[at + 1]?.slice(0, 40));
      return problemResponse(new Failure('Unsupported', `the transfer encoding is chunked, or none; got ${coding}`));
    }
    if (header !== 'host' && !header.startsWith(binaryPrefix)) continue;
    if (seen.has(header)) {
      return problemResponse(
        header === 'host'
          ? // Whoever stands in front may have believed the other (RFC 9112, section 3.2).
            new Failure('InvalidRequest', 'header "host" comes more than once; a request has one')
          : new Failure('InvalidEvent', `header "${header}" comes more than once; an attribute has one value`),
      );
    }
    seen.add(header);
  }
  return undefined;
}

/** An upgrade that is not done is answered as if it had not been asked for (RFC 9110, section 7.8). */
export function passOverUpgrade(incoming: Pick<IncomingMessage, 'rawHeaders' | 'headers'>): void {
  if (incoming.headers.upgrade === undefined) return;
  delete incoming.headers.upgrade;
  for (let at = incoming.rawHeaders.length - 2; at >= 0; at -= 2) {
    if (incoming.rawHeaders[at]?.toLowerCase() === 'upgrade') incoming.rawHeaders.splice(at, 2);
  }
}

/** HTTP/1.0 has no Host (RFC 1945), and what asks a relay whether it is well may speak that, as HAProxy does. */
export function nameOwnHost({ headers, httpVersion }: Pick<IncomingMessage, 'headers' | 'httpVersion'>): void {
  if (httpVersion === '1.0') headers.host ??= 'localhost';
}

/** Whether a request is of no path, but asks what the relay as a whole can do (RFC 9110, section 9.3.7). */
export function isAboutAll({ method, url, headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean {
  return url === '*' && method === 'OPTIONS' && headers.host !== undefined;
}

/** Answers it. */
export function answerAboutAll(outgoing: ServerResponse): void {
  outgoing.writeHead(204, { allow: 'GET, HEAD, POST, DELETE', 'cache-control': 'no-store' }).end();
}

/** Answers a request that expects what this relay does not do (RFC 9110, section 10.1.1). */
export function refuseExpectation({ headers }: Pick<IncomingMessage, 'headers'>, outgoing: ServerResponse): void {
  const expected = JSON.stringify((headers.expect ?? '').slice(0, 40));
  const problem = {
    ...problemOf(new Failure('InvalidRequest', `nothing but 100-continue can be expected; got ${expected}`)),
    status: 417,
    title: 'Expectation failed',
  };
  outgoing.writeHead(problem.status, { 'content-type': mediaTypes.problem, 'cache-control': 'no-store' });
  outgoing.end(JSON.stringify(problem));
}

/** Answers who takes the relay for a proxy. */
export function refuseTunnel(socket: Duplex): void {
  void writeAnswer(socket, problemResponse(new Failure('InvalidRequest', 'CONNECT is for proxies; this is none')));
}

/** Answers a request of which no `Request` could be made: its Host or its target is none. */
export function refuseTarget(error: unknown): Response {
  return problemResponse(
    new Failure('InvalidRequest', `the request's target or Host header cannot be read: ${toFailure(error).message}`),
  );
}

function failureOf(error: Error, exchange: Exchange | undefined): Failure {
  // Which transfer encoding a body has, it says before it comes (RFC 9112, section 6.3).
  const isFraming = 'code' in error && error.code === 'HPE_INVALID_TRANSFER_ENCODING';
  const isEvent = !isFraming && exchange?.incoming.method === 'POST' && !exchange.incoming.complete;
  if (isEvent) return new Failure('InvalidEvent', `the body broke off: ${error.message}; nothing was stored`);
  return new Failure('InvalidRequest', `this is not a request that can be read: ${error.message}`);
}
