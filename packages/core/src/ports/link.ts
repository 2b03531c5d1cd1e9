// How a device reaches a relay.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Frame } from '../protocol/frames.ts';
import type { AppendResult } from '../protocol/results.ts';

/**
 * **Law.** `push` resolves only with the relay's own answer, one result per event in the order given; when it rejects,
 * the events may have been appended all the same, and pushing them again is harmless. `pull` yields frames in the order
 * sent, in groups as they arrive, and asks for more only when the consumer does; it ends when the relay ends the stream,
 * and throws when the connection breaks. Both end promptly, with nothing left behind, when the signal aborts. Neither
 * retries: who calls decides when.
 *
 * Failures: `Unauthenticated`, `Forbidden`, `TooLarge`, `InvalidEvent` or `InvalidRequest` (the batch as a whole),
 * `RateLimited` and `Draining` (with `retryAfterMs`), `StorageFailed`, and `Unreachable` for whatever is no relay's answer.
 */
export interface Link {
  /** Posts events to one channel. */
  push(channel: string, events: readonly CloudEvent[], signal: AbortSignal): Promise<readonly AppendResult[]>;
  /** Reads many channels on one connection, each behind its position: an offset, `earliest` or `latest`. */
  pull(positions: ReadonlyMap<string, string>, signal: AbortSignal): AsyncIterable<readonly Frame[]>;
  /** Forgets the token, so that the next call asks for a new one. */
  renew(): void;
}
