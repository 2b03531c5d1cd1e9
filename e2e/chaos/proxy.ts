// A line between one device and the relay: plain TCP, which does to what passes what networks and the boxes in them do.
import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import type { Dice } from '@godwit/core/testing';
import { portOf } from './ports.ts';

/** What can happen to a line. */
export const lineFaults = ['cut', 'halved', 'corrupted', 'delayed', 'silent', 'refused'] as const;

/**
 * - `cut`: what is open is reset.
 * - `halved`: of the next piece that passes, in each connection, one half arrives; then the connection ends, in good order.
 * - `corrupted`: in the next piece that passes, in each connection, some bytes become such as no UTF-8 has. Others cannot be
 *   told from text without a checksum, which is what TLS is there for; TLS makes a cut of either.
 * - `delayed`: every piece is held for a while.
 * - `silent`: nothing passes, nothing is said: a half-open line.
 * - `refused`: what is open is reset, and nobody gets through.
 */
export type LineFault = (typeof lineFaults)[number];

/** A line. */
export interface Line {
  readonly url: string;
  /** Lets it happen, until the line is healed. */
  strike(fault: LineFault): void;
  heal(): void;
  /** How many pieces were damaged so far: what was to happen to the next one may never have happened. */
  readonly damaged: number;
  close(): Promise<void>;
}

/** One connection through the line; both of its ways. */
interface Connection {
  /** What becomes of the next piece, whichever way it goes. */
  next: 'halved' | 'corrupted' | undefined;
  reset(): void;
}

/** No byte of any UTF-8 text: https://www.rfc-editor.org/rfc/rfc3629#section-1. */
const noText = 0xff;
/** The most bytes that are damaged at once. */
const damageMax = 8;
/** The longest that a piece is held, in milliseconds: a bad mobile network. */
const delayMsMax = 400;

/** Starts a line to what listens on `port` of this machine. */
export async function startLine(port: number, dice: Dice): Promise<Line> {
  const open = new Set<Connection>();
  let fault: LineFault | undefined;
  let healed = Promise.withResolvers<void>();
  let damaged = 0;

  const server = createServer((client) => {
    if (fault === 'refused') {
      client.resetAndDestroy();
      return;
    }
    const relay = connect({ host: '127.0.0.1', port, noDelay: true });
    client.setNoDelay(true);
    const connection: Connection = {
      next: undefined,
      reset() {
        // A socket that is still connecting has nothing to reset.
        for (const socket of [client, relay]) if (!socket.destroyed) socket.resetAndDestroy();
      },
    };
    open.add(connection);
    void live(connection, client, relay);
  });
  const itsPort = await portOf(server);

  return {
    url: `http://127.0.0.1:${itsPort}`,
    get damaged() {
      return damaged;
    },
    strike(next) {
      fault = next;
      healed = Promise.withResolvers();
      for (const connection of open) {
        if (next === 'cut' || next === 'refused') connection.reset();
        else if (next === 'halved' || next === 'corrupted') connection.next = next;
      }
    },
    heal() {
      fault = undefined;
      for (const connection of open) connection.next = undefined;
      healed.resolve();
    },
    async close() {
      fault = 'refused';
      healed.resolve();
      for (const connection of open) connection.reset();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };

  async function live(connection: Connection, client: Socket, relay: Socket): Promise<void> {
    const carry = (from: Socket, to: Socket): Promise<void> =>
      pipeline(from, (pieces: AsyncIterable<Buffer>) => passed(pieces, connection), to);
    await Promise.allSettled([carry(client, relay), carry(relay, client)]);
    open.delete(connection);
    for (const socket of [client, relay]) socket.destroy();
  }

  /** One way of a connection. One piece at a time, so a slow reader holds its writer back as it would without a line. */
  async function* passed(pieces: AsyncIterable<Buffer>, connection: Connection): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      if (fault === 'silent') await healed.promise;
      else if (fault === 'delayed') await Promise.race([healed.promise, setTimeout(dice.whole(1, delayMsMax))]);
      const damage = connection.next;
      connection.next = undefined;
      if (damage !== undefined) damaged += 1;
      if (damage === 'halved') {
        yield piece.subarray(0, Math.ceil(piece.length / 2));
        return;
      }
      yield damage === undefined ? piece : corrupt(piece);
    }
  }

  function corrupt(piece: Buffer): Buffer {
    const bytes = Buffer.from(piece);
    const from = dice.whole(0, piece.length - 1);
    return bytes.fill(noText, from, Math.min(bytes.length, from + dice.whole(1, damageMax)));
  }
}
