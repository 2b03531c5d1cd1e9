// A subscriber as others see it: what it reads from, what it writes to, and what it is told.
import type { Failure } from '../failure.ts';
import type { LogPage } from '../ports/log.ts';
import type { World } from '../ports/world.ts';
import type { Gap } from '../protocol/frames.ts';
import type { DeliveryCounts, SubscriberCounts } from './counts.ts';
import type { EphemeralPolicy } from './query.ts';
import type { Attributes, Wants } from './filter.ts';
import type { Place } from './held-log.ts';
import type { Ring } from './ring.ts';

/** Where a subscription's bytes go. */
export interface Sink {
  /** Hands bytes over. Answers whether more are welcome now; when not, `resume` tells that they are again. */
  send(bytes: Uint8Array): boolean;
  close(): void;
}

/** The feed as its subscriptions see it. */
export interface Source {
  readonly place: Place;
  readonly ring: Ring;
  /** Reads a page of the log, for whoever is behind the ring. */
  read(epoch: string, after: number): Promise<LogPage>;
}

/** An ephemeral event on its way, one frame shared by all. */
export interface EphemeralFrame {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly attributes: Attributes;
  /** Of those with the same, the newest says it all. */
  readonly key: string;
  /** The sequence behind which it comes. */
  readonly after: number;
}

/** One reader of a feed. */
export interface Subscription {
  /** The sink has room again. */
  resume(): void;
  /** The log has grown. */
  announce(): void;
  /** An ephemeral event has come; a subscription may end over it, by its policy. */
  relay(frame: EphemeralFrame): void;
  /** The channel was removed while its head was `previousHead`; the source is in a new epoch. */
  restart(previousHead: number): void;
  /** A quarter of a heartbeat has passed. */
  beat(): void;
  /** Says that its reader is to come back, and ends. */
  drain(retryAfterMs: number): void;
  /** Ends, and closes the sink. */
  end(): void;
  /** The reader has gone: ends. */
  detach(): void;
  /** Events held for it that it has not had yet. */
  readonly pending: number;
  /** What became of the events that have passed it: all of them are delivered, filtered or dropped. */
  readonly counts: SubscriberCounts;
}

/** What is the same for all subscriptions of a feed, once. */
export interface FeedSide {
  readonly channel: string;
  readonly source: Source;
  /** The bytes of these frames in one piece. */
  joined(frames: readonly EphemeralFrame[]): Uint8Array;
  readonly world: Pick<World, 'after'>;
  readonly counts: DeliveryCounts;
  readonly report: (failure: Failure) => void;
}

/** What a subscription is opened with. */
export interface SubscriptionParts {
  readonly sink: Sink;
  readonly after: number;
  readonly gap: Gap | undefined;
  /** Undefined wants all. */
  readonly wants: Wants | undefined;
  readonly ephemerals: EphemeralPolicy;
  /** False on one of several on a connection: where a filter passes events by, a frame of its own tells the position. */
  readonly heartbeat: boolean;
  /** It has ended, for whatever reason. */
  readonly ended: (subscription: Subscription) => void;
}
