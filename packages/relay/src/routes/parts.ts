// What every route is made of.
import type { Telemetry, World } from '@godwit/core';
import type { Channels } from '@godwit/core/feed';
import type { Limits } from '@godwit/core/protocol';
import type { Authority } from '../authority/authority.ts';
import type { Webhooks } from '../webhooks/types.ts';
import type { OpenSession } from '../transports/socket/session.ts';
import type { AttachReading } from '../transports/attach.ts';

/**
 * Makes the body of a reading's answer; null where the platform writes it by a way of its own, once the answer's headers
 * are sent.
 */
export type BodyOf = (request: Request, attach: AttachReading) => ReadableStream<Uint8Array> | null;

/** Answers a handshake by the platform's way: the connection is a WebSocket from then on, and `open` its session. */
export type Upgrade = (
  request: Request,
  how: { readonly protocol: string | undefined; readonly open: OpenSession },
) => Response;

/** A copy on its way to whoever asked for it. */
export interface Backup {
  readonly body: ReadableStream<Uint8Array>;
  readonly bytes: number;
}

/** What the app stands on: the same on Node and on Workers. */
export interface RelayParts {
  readonly channels: Channels;
  readonly authority: Authority;
  readonly limits: Limits;
  readonly world: World;
  /** How streams are written where their channel is in this process; as web streams unless said. */
  readonly bodyOf?: BodyOf | undefined;
  /** Copies all that there is; where the platform can. */
  readonly backup?: (() => Promise<Backup>) | undefined;
  /** Where its host brings them. */
  readonly webhooks?: Webhooks | undefined;
  /** How sockets are accepted; where it is not said, there are none. */
  readonly upgrade?: Upgrade | undefined;
  /** Counts, times and follows what is appended. */
  readonly telemetry?: Telemetry | undefined;
}
