// Readers on bare connections: they count the marks that arrive, and how long each was on its way.
import { connect, type Socket } from 'node:net';
import type { Target } from '../burst.ts';
import { findMarks, nowUs } from './events.ts';

/** A target's readers. */
export interface Readers {
  /** Resolves when every reader has had `events` since it came. Rejects when nothing has arrived for `patienceMs`. */
  have(events: number, patienceMs: number): Promise<void>;
  /** What has arrived so far does not count. */
  begin(): void;
  readonly counted: number;
  /** One of some. */
  readonly latenciesUs: readonly number[];
}

/** Servers take this many at a time without a full backlog. */
const atOnce = 128;
/** Of the latencies one in so many is kept: enough for a hundredth. */
const keptOneIn = 7;

/** Opens `count` readers, and resolves when all of them are answered. */
export async function openReaders(target: Target, count: number): Promise<Readers> {
  let arrived = 0;
  let before = 0;
  let lastUs = nowUs();
  const latenciesUs: number[] = [];
  let waiting: { readonly upTo: number; readonly resolve: () => void } | undefined;
  const found = (sentUs: number): void => {
    arrived += 1;
    if (arrived % keptOneIn === 0) latenciesUs.push(lastUs - sentUs);
  };
  for (let opened = 0; opened < count; opened += atOnce) {
    const group = Array.from({ length: Math.min(atOnce, count - opened) }, (_, index) => opened + index);
    await Promise.all(group.map(() => openReader()));
  }

  return {
    async have(events, patienceMs) {
      const upTo = events * count;
      if (arrived >= upTo) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting = { upTo, resolve };
      let seen = arrived;
      const timer = setInterval(() => {
        if (arrived === seen) reject(new Error(`${arrived} of ${upTo} deliveries arrived`));
        seen = arrived;
      }, patienceMs);
      await promise.finally(() => clearInterval(timer));
    },
    begin() {
      before = arrived;
      latenciesUs.length = 0;
    },
    get counted() {
      return arrived - before;
    },
    latenciesUs,
  };

  async function openReader(): Promise<void> {
    const { port, subscribePath, subscribeHeaders } = target;
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const head = [`GET ${subscribePath} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...subscribeHeaders];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.on('error', reject);
    let isAnswered = false;
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      if (!isAnswered) {
        isAnswered = true;
        if (chunk.toString('latin1', 9, 12) === '200') resolve();
        else reject(new Error(`a reader was answered ${chunk.toString('latin1')}`));
      }
      lastUs = nowUs();
      const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const left = findMarks(all, found);
      // Copied: what is left is to keep no more than itself.
      rest = left === 0 ? Buffer.alloc(0) : Buffer.from(all.subarray(all.length - left));
      if (waiting !== undefined && arrived >= waiting.upTo) waiting.resolve();
    });
    await promise;
  }
}
