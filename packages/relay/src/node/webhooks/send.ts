// Sends over HTTP, to the address that was checked and to no other: a name that leads elsewhere at the second look finds nobody.
import { lookup as lookUp, type LookupAddress } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Failure } from '@godwit/core';
import { version } from '../version.ts';
import type { Receipt, Send } from '../../webhooks/types.ts';
import { hostOf } from '../../webhooks/url.ts';
import { isPublic } from './address.ts';

/** An answer's head is bounded by Node, at this; its body is not read at all. */
const headBytesMax = 16 * 1024;

/** Finds a name's addresses. */
export type Resolve = (
  hostname: string,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

const resolveByPlatform: Resolve = (hostname, done) => {
  lookUp(hostname, { all: true }, (error, addresses) => done(error, addresses));
};

/** Makes what sends. `allowsPrivate`: also to addresses of private networks, and of this machine. */
export function createSend(options: { readonly allowsPrivate: boolean; readonly resolve?: Resolve }): Send {
  const { allowsPrivate, resolve = resolveByPlatform } = options;
  const isAllowed = (address: string): boolean => allowsPrivate || isPublic(address);

  /** What the connection is made to: only what is allowed of what the name leads to. */
  const lookup: LookupFunction = (hostname, { all }, done) => {
    resolve(hostname, (error, addresses) => {
      const allowed = addresses.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (error !== null) return done(error, '');
      if (first === undefined) return done(privateAddress(hostname), '');
      if (all === true) done(null, [...allowed]);
      else done(null, first.address, first.family);
    });
  };

  return ({ url, headers, body, signal }) =>
    new Promise<Receipt>((settle, reject) => {
      const target = new URL(url);
      const host = hostOf(target);
      // Of an address nobody looks anything up.
      if (isIP(host) !== 0 && !isAllowed(host)) return reject(privateAddress(host));
      const send = target.protocol === 'https:' ? requestHttps : requestHttp;
      const outgoing = send(target, {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': `godwit/${version}` },
        lookup,
        signal,
        // Its own connection, to what was looked up for it.
        agent: false,
        maxHeaderSize: headBytesMax,
      });
      outgoing.once('socket', (socket) => {
        // Belt and braces: nothing is written before the connection stands, and this is where it leads.
        socket.once('connect', () => {
          if (!isAllowed(socket.remoteAddress ?? '')) outgoing.destroy(privateAddress(host));
        });
      });
      outgoing.once('response', (response) => {
        settle({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
        // Whatever else it has to say, for as long as it likes.
        response.on('error', () => undefined);
        response.destroy();
      });
      outgoing.once('error', (error) => {
        reject(
          error instanceof Failure ? error : new Failure('Unreachable', `${host}: ${error.message}`, { cause: error }),
        );
      });
      outgoing.end(body);
    });
}

function privateAddress(host: string): Failure {
  return new Failure('Forbidden', `${host} leads to a private network; this relay sends to public addresses alone`);
}
