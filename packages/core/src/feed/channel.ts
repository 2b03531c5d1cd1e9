// A channel as the relay's app sees it: the same in this process, and behind a Durable Object's stub.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { FailureJson } from '../failure.ts';
import type { Gap } from '../protocol/frames.ts';
import type { AppendResult } from '../protocol/results.ts';
import type { Present } from './presence.ts';
import type { Sink, Subscription } from './subscriber.ts';

/** One member of a POST: an event, or what was wrong with it. */
export type AppendItem =
  | {
      readonly event: CloudEvent;
      /** The size of its JSON, where it is known: commits are bounded by it. */
      readonly bytes?: number;
    }
  | { readonly refused: { readonly id: string | null; readonly failure: Pick<FailureJson, 'name' | 'message'> } };

/**
 * A filter on one attribute: an event passes that has it, as one of the values, in which `*` is any run of characters. Without
 * values, an event passes that does not have it.
 */
export interface AttributeFilter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Where reading begins and what it shows. */
export interface ReadQuery {
  /** An offset, `earliest` or `latest`. */
  readonly after: string;
  /** Patterns over event types; none means all. */
  readonly types: readonly string[];
  /** Filters on other attributes, all of which an event passes. */
  readonly attributes?: readonly AttributeFilter[];
}

/**
 * What becomes of ephemeral events for a reader that is too slow for them: `skip` drops the newest; `latest` keeps, of those
 * with the same source, type and subject, only the newest; `disconnect` ends the reading, so that its reader comes back.
 */
export type EphemeralPolicy = 'skip' | 'latest' | 'disconnect';

/** A live reading. */
export interface StreamQuery extends ReadQuery {
  /** Wall-clock milliseconds at which the stream ends with a `drain`, as when the token does. */
  readonly until?: number;
  /**
   * False on a stream that is one of several on a connection, which has a heartbeat of its own. Such a stream tells by a
   * frame `position` how far a filter has passed events by.
   */
  readonly heartbeat: boolean;
  /** `skip` unless said. */
  readonly ephemerals?: EphemeralPolicy;
  /** Who reads, where it is to be known to the others. */
  readonly clientId?: string;
}

/** A page that is asked for. */
export interface PageQuery extends ReadQuery {
  readonly limit: number;
  /** How long it waits for news where there is nothing to show, in milliseconds. */
  readonly waitMs: number;
  /** Wall-clock milliseconds at which its asker's right ends: then it is refused, and counted nowhere. */
  readonly until?: number;
  /** Nothing of it is handed over, as to a request for the head alone: it is counted nowhere. */
  readonly isLook?: boolean;
}

/** Attaches a sink to a reading that was admitted: it begins now, and its end is the subscription's. */
export type Attach = (sink: Sink) => Subscription;

/** A page of a channel. */
export interface ChannelPage {
  /** The events' JSON, in order. */
  readonly events: readonly string[];
  /** Where to read on. */
  readonly next: string;
  /** Whether nothing lay beyond the page when it was read. */
  readonly upToDate: boolean;
  readonly gap?: Gap;
}

/** A channel in numbers, as `GET /v1/channels/{channel}` answers. */
export interface ChannelStat {
  /** Counts since the channel was made; they are committed with the appends and survive a restart. */
  readonly published: number;
  readonly duplicates: number;
  readonly refused: number;
  /** Counts of this process, since `since`. `delivered` means handed to the transport. */
  readonly delivered: number;
  /** Events that a subscriber's filter passed by: what passed a subscriber is delivered, filtered, dropped or pending. */
  readonly filtered: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly subscribers: number;
  /** Events that are held for subscribers that have not had them yet, summed over the subscribers. */
  readonly queueDepth: number;
  /** The newest offset, or the position before the first event. */
  readonly head: string;
  /** The oldest offset held, or the position before the next event where none is. */
  readonly tail: string;
  readonly bytes: number;
  /** RFC 3339: when this process began to count. */
  readonly since: string;
}

/**
 * One channel of a relay. Every method can reject with `InvalidOffset`, `InvalidPattern`, `StorageFailed`, `Draining`
 * or `RateLimited`, and `Closed` once the relay has ended.
 */
export interface Channel {
  /** Stores, then answers, then announces. One result per item, in order. */
  append(items: readonly AppendItem[]): Promise<readonly AppendResult[]>;
  /** Reads a page. Waits up to `waitMs` for news when there is nothing to show. Rejects with `Unauthenticated` at `until`. */
  page(query: PageQuery): Promise<ChannelPage>;
  /** Opens a stream of frames: replay, then live, without a seam. Cancelling it ends the subscription. */
  stream(query: StreamQuery): Promise<ReadableStream<Uint8Array>>;
  /** The same into a sink of the caller's own, where the channel is in this process. The reading is to be attached at once. */
  subscribe?(query: StreamQuery): Promise<Attach>;
  stat(): Promise<ChannelStat>;
  /** Who reads it live, of those that say who they are. */
  presence(): Promise<readonly Present[]>;
  /** Forgets the log. Answers whether there was one. Streams are told of the gap and read on in the new epoch. */
  remove(): Promise<boolean>;
}

/** A channel's numbers as they were at some time. */
export interface NotedChannel {
  readonly channel: string;
  readonly stat: ChannelStat;
  /** Wall-clock milliseconds: when that was. */
  readonly asOf: number;
}

/** All the channels of a relay. */
export interface Channels {
  /** The channel of this name. Making this object stores nothing: a channel exists from its first event on. */
  channel(name: string): Channel;
  /** Every channel that has held something, where one place knows them all. */
  list?(): Promise<readonly string[]>;
  /** Where none does: what each has told of itself, by name. */
  noted?(): Promise<readonly NotedChannel[]>;
}
