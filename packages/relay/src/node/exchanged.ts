// What Node's HTTP and the writer of streams tell each other of one request.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request, its answer, and how its connection is said to be in use. */
export interface Exchanged {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly hold: (socket: Socket) => () => void;
  /** Whether it is the only request under way on its connection. */
  readonly isAlone: (socket: Socket) => boolean;
}
