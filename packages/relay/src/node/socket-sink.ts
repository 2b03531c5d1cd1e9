// A stream's end at its connection. What is sent to many readers within one turn goes out in a row, by the shortest way there is.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Sink } from '@godwit/core/feed';

/** Where Node keeps a connection's descriptor (Node 24, `lib/net.js`). A connection that was closed has no handle any more. */
interface Handled {
  readonly _handle?: Handle | null;
}

interface Handle {
  readonly fd?: number;
}

/**
 * A reading that is over has this long for its last words. A reader that takes nothing would hold its connection for ever; what it
 * has not had, it asks for when it comes back.
 */
const farewellMs = 15_000;

/** Those that have something to write: of all relays of this thread, so that all writes follow each other. */
let due: SocketSink[] = [];

function writeDue(): void {
  const all = due;
  due = [];
  for (const sink of all) sink.flush();
}

/**
 * Writes a subscription's bytes to its connection, whose buffer is the only one but for what waits for the end of the turn. Where
 * Node's HTTP has let the connection go (`isFree`), the system is handed them without the stream between: a thousand readers are a
 * thousand small writes. What the system does not take at once is the stream's to keep, and whatever goes wrong the stream's to find
 * out, as is all of it where Node shows no descriptor.
 */
export class SocketSink implements Sink {
  readonly #socket: Socket & Handled;
  readonly #release: () => void;
  readonly #handle: Handle | undefined;
  readonly #descriptor: number;
  #next: Uint8Array | undefined;

  /** `release` is called when the reading is over, before its last words are gone. */
  constructor(socket: Socket & Handled, isFree: boolean, release: () => void) {
    this.#socket = socket;
    this.#release = release;
    // Behind what a class of its own does with its bytes, as TLS, the descriptor is not the place for them.
    const handle = isFree && Object.getPrototypeOf(socket) === Socket.prototype ? socket._handle : undefined;
    this.#handle = handle ?? undefined;
    this.#descriptor = handle?.fd ?? -1;
  }

  /**
   * What is smaller than the stream's buffer waits for the end of the turn: that buffer would take it whole, so the answer is known
   * before it is written.
   */
  send(bytes: Uint8Array): boolean {
    this.flush();
    const socket = this.#socket;
    const isLarge = bytes.length >= socket.writableHighWaterMark;
    if (this.#descriptor < 0 || isLarge || socket.writableLength > 0) return this.#pass(bytes);
    this.#next = bytes;
    if (due.push(this) === 1) queueMicrotask(writeDue);
    return true;
  }

  /** Writes what waits for the end of the turn now. */
  flush(): void {
    const bytes = this.#next;
    if (bytes === undefined) return;
    this.#next = undefined;
    this.#pass(bytes);
  }

  close(): void {
    this.flush();
    this.#release();
    const socket = this.#socket;
    socket.destroySoon();
    const cut = setTimeout(() => socket.destroy(), farewellMs);
    socket.once('close', () => clearTimeout(cut));
  }

  #pass(bytes: Uint8Array): boolean {
    const taken = this.#takenAtOnce(bytes);
    if (taken === bytes.length) return true;
    return this.#socket.write(taken === 0 ? bytes : bytes.subarray(taken));
  }

  /** How many of them the system has taken. */
  #takenAtOnce(bytes: Uint8Array): number {
    const socket = this.#socket;
    // A descriptor's number is given to the next connection once this one is closed: then the handle is another, or none.
    const isOpen = this.#descriptor >= 0 && socket._handle === this.#handle && socket.writable;
    // Behind what the stream holds: it keeps the order.
    if (!isOpen || socket.writableLength > 0) return 0;
    try {
      return writeSync(this.#descriptor, bytes, 0, bytes.length);
    } catch {
      // It is full, or broken: the stream finds out which.
      return 0;
    }
  }
}
