// Requests that never become one for the app: those that are no HTTP, and what of others a `Request` does not show.
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Failure, toFailure } from '@godwit/core';
import { binaryPrefix, mediaTypes, problemOf } from '@godwit/core/protocol';
import { problemResponse } from '../problem.ts';
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
  // The connection itself failed, or an answer is under way on it: whatever is written now would be taken for its rest.
  if (!socket.writable || others.length > 0 || exchange?.outgoing.headersSent === true) {
    socket.destroy();
    return;
  }
  const code = 'code' in error ? String(error.code) : '';
  const problem = problemOf(failureOf(error, exchange));
  const status = statuses[code] ?? problem.status;
  const body = JSON.stringify({ ...problem, status });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `content-type: ${mediaTypes.problem}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

/** Says no to what is not seen any more once headers of one name have been joined. On Workers nobody can tell. */
export function refusalOf({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): Response | undefined {
  const seen = new Set<string>();
  // Names and values by turns.
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const header = (rawHeaders[at] ?? '').toLowerCase();
    if (!header.startsWith(binaryPrefix)) continue;
    if (seen.has(header)) {
      return problemResponse(
        new Failure('InvalidEvent', `header "${header}" comes more than once; an attribute has one value`),
      );
    }
    seen.add(header);
  }
  return undefined;
}

/** Answers a request of which no `Request` could be made: its Host or its target is none. */
export function refuseTarget(error: unknown): Response {
  return problemResponse(
    new Failure('InvalidRequest', `the request's target or Host header cannot be read: ${toFailure(error).message}`),
  );
}

function failureOf(error: Error, exchange: Exchange | undefined): Failure {
  const isEvent = exchange?.incoming.method === 'POST' && !exchange.incoming.complete;
  if (isEvent) return new Failure('InvalidEvent', `the body broke off: ${error.message}; nothing was stored`);
  return new Failure('InvalidRequest', `this is not a request that can be read: ${error.message}`);
}
