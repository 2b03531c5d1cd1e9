// A channel as the relay's app sees it: the same in this process, and behind a Durable Object's stub.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { FailureJson } from '../failure.ts';
import type { Gap } from '../protocol/frames.ts';
import type { AppendResult } from '../protocol/results.ts';
import type { Present } from './presence.ts';
import type { PageQuery, StreamQuery } from './query.ts';
import type { Sink, Subscription } from './subscriber.ts';

/** One member of a POST: an event, or what was wrong with it. */
export type AppendItem =
  | {
      readonly event: CloudEvent;
      /** The size of its JSON, where it is known: commits are bounded by it. */
      readonly bytes?: number;
    }
  | { readonly refused: { readonly id: string | null; readonly failure: Pick<FailureJson, 'name' | 'message'> } };

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
  /**
   * Who reads it live, of those that say who they are; with several relays, at any of them. One at which nobody reads asks the
   * others for that, a quarter of a second long.
   */
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
