// How many connections one client has: beyond the bound they are refused, so that no single one takes what is there for all.
import type { Server, ServerResponse } from 'node:http';
import { isIP, isIPv6, type Socket } from 'node:net';
import { Failure } from '@godwit/core';
import { headerNames, mediaTypes, problemOf } from '@godwit/core/protocol';

/** Knows which connections are too many. */
export interface Crowd {
  /** Whether it came when its client had as many as it may. */
  isBeyond(socket: Socket): boolean;
  /** Answers a request on such a connection, and ends that. */
  refuse(outgoing: ServerResponse): void;
}

/** Whose connections are those of many: a proxy on this machine. One elsewhere is named by whoever runs the relay. */
export const loopback: readonly string[] = ['127.0.0.1', '::1'];

/**
 * Answers the addresses of proxies, each as a connection says it.
 *
 * @throws Failure `InvalidOptions`
 */
export function checkedProxies(addresses: readonly string[]): readonly string[] {
  return addresses.map((address) => {
    if (isIP(address) === 0) {
      throw new Failure('InvalidOptions', `a proxy is named by its IP address; got ${JSON.stringify(address)}`);
    }
    // As short as it can be written: RFC 5952.
    return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
  });
}

/** A refused connection that asks nothing is let go of after this: it is not to wait for the end of its headers' time. */
const silentMs = 2000;
/** When to come back: connections that broke off are noticed by then, at a heartbeat. */
const retryAfterS = 15;

/** Follows a server's connections. Those of `proxies`, addresses, are of many clients, and their own to count. */
export function followCrowd(server: Server, connectionsMax: number, proxies: readonly string[]): Crowd {
  const counts = new Map<string, number>();
  const beyond = new WeakSet<Socket>();
  const exempt = new Set(proxies);
  server.on('connection', (socket: Socket) => {
    const address = plain(socket.remoteAddress ?? '');
    if (exempt.has(address)) return;
    const client = networkOf(address);
    const count = (counts.get(client) ?? 0) + 1;
    counts.set(client, count);
    const timer = count > connectionsMax ? setTimeout(() => socket.destroy(), silentMs) : undefined;
    if (timer !== undefined) beyond.add(socket);
    socket.once('close', () => {
      clearTimeout(timer);
      const left = (counts.get(client) ?? 1) - 1;
      if (left === 0) counts.delete(client);
      else counts.set(client, left);
    });
  });
  return {
    isBeyond: (socket) => beyond.has(socket),
    refuse(outgoing) {
      const message = `this address has ${connectionsMax} connections already; end some, or share one among channels`;
      const problem = problemOf(new Failure('RateLimited', message));
      outgoing.writeHead(problem.status, {
        'content-type': mediaTypes.problem,
        'cache-control': 'no-store',
        [headerNames.retryAfter]: String(retryAfterS),
        connection: 'close',
      });
      outgoing.end(JSON.stringify(problem));
    },
  };
}

/** IPv4 as such, where a socket of IPv6 took it. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

/** Of IPv6 a client has a whole /64 (RFC 4291, section 2.5.4), and any address in it. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [front = '', back = ''] = address.split('%')[0]?.split('::') ?? [];
  const groups = front === '' ? [] : front.split(':');
  const tail = back === '' ? [] : back.split(':');
  const all = address.includes('::')
    ? [...groups, ...Array.from({ length: 8 - groups.length - tail.length }, () => '0'), ...tail]
    : groups;
  return all.slice(0, 4).join(':');
}
