// What a device remembers: one log of segments, and cursors into it.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { FailureJson } from '../failure.ts';
import type { Gap } from '../protocol/frames.ts';

/**
 * A place in the device's log: `segment × 1024 + index`. It increases with every event, in the order of the commits,
 * and is not dense. 0 is before everything.
 */
export type Position = number;

/** Own events on their way into the log: one channel, one commit. */
export interface OwnSegment {
  readonly channel: string;
  /** Whether the relay is to get them. Without a relay there is no outbox to fill. */
  readonly outbound: boolean;
  /** When they were recorded, in wall-clock milliseconds. */
  readonly at: number;
  /** The size of their JSON. */
  readonly bytes: number;
  /** At most `segmentEventsMax`. */
  readonly events: readonly CloudEvent[];
  /** The same as text: a store that keeps text never asks for `events`. */
  readonly written?: WrittenEvents;
}

/** Events as they were written when they were published. */
export interface WrittenEvents {
  /** As `textOf` makes it. */
  readonly text: string;
  readonly n: number;
}

/** A page of a relay's channel on its way into the device's log. */
export interface MergePage {
  readonly channel: string;
  /** The place behind which the page begins, opaque to the store; merging behind the same place twice is impossible. */
  readonly after: string;
  /** Where reading goes on. */
  readonly last: string;
  readonly at: number;
  readonly bytes: number;
  /** At most `segmentEventsMax`; may be empty, when only the position or a gap is to be kept. */
  readonly events: readonly MergedEvent[];
  /** Events that were missed just before this page. */
  readonly gap?: Gap;
  /** The position of the newest own event that has come back, if this page moves it. */
  readonly echo?: Position;
  /** Until which offset arriving events may be held already, after an epoch change; null ends it. */
  readonly recheckTo?: string | null;
}

/** One event of a merged page. */
export interface MergedEvent {
  readonly event: CloudEvent;
  readonly offset: string;
  /** Our own, come back: readers of the local order have had it. */
  readonly echo: boolean;
}

/** One item of the device's log. */
export type LogEntry =
  | {
      readonly kind: 'event';
      readonly position: Position;
      readonly channel: string;
      readonly event: CloudEvent;
      /** The relay's offset; null on an own segment's event, which has none yet. */
      readonly offset: string | null;
      readonly echo: boolean;
    }
  | { readonly kind: 'gap'; readonly position: Position; readonly channel: string; readonly gap: Gap };

/** A run of the device's log. */
export interface LogRun {
  readonly entries: readonly LogEntry[];
  /** The position to read on from: behind the last entry, or behind what held none. */
  readonly next: Position;
  /** Whether the run ended at the log's head as of the read. */
  readonly atHead: boolean;
  /** True: something behind `after` was trimmed, and how much of it this reader had not read nobody can know. */
  readonly trimmed?: boolean;
}

/** An own event, and where it stands. */
export interface OwnEvent {
  readonly position: Position;
  readonly event: CloudEvent;
}

/** What a device knows of one channel. */
export interface ChannelState {
  /** Own events up to here are confirmed by the relay. */
  readonly sent: Position;
  /** Own events up to here have come back. */
  readonly echo: Position;
  /** The place up to which the device has read, as the last page's `last` said; undefined before the first page. */
  readonly read: string | undefined;
  readonly recheckTo: string | undefined;
  /** Own events beyond `sent`. */
  readonly pendingEvents: number;
  readonly pendingBytes: number;
}

/** What a device knows of itself. */
export interface StoreState {
  readonly deviceId: string;
  /** A position that the newest entry is not behind, and every later one is; 0 where there is none. */
  readonly head: Position;
  /** Every channel that has read, or had something for the relay. It has no prototype, since any name may be a channel's. */
  readonly channels: Readonly<Record<string, ChannelState>>;
}

/** How far a channel's outbox is confirmed. */
export interface Confirmation {
  readonly channel: string;
  /** Own events up to here have their outcome. */
  readonly sent: Position;
  /** Those of them that the relay refused: kept, with the reason. */
  readonly rejected: readonly { readonly event: CloudEvent; readonly failure: FailureJson }[];
}

/** How much of its log a device keeps. Infinity: no bound. */
export interface Retention {
  /** Segments older than this may go, in milliseconds. */
  readonly ageMs: number;
  /** Beyond these, the oldest segments go. */
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** One bounded step of trimming. */
export interface TrimRequest extends Retention {
  /** Wall-clock milliseconds. */
  readonly now: number;
  /** The most segments that this step looks at, so that it never stands in a publish's way for long. */
  readonly segmentsMax: number;
}

/** What a step of trimming did. */
export interface Trimmed {
  readonly events: number;
  readonly bytes: number;
  /** What the log holds now, as far as it has been counted. */
  readonly held: { readonly events: number; readonly bytes: number };
  /** Whether another step would do more. */
  readonly more: boolean;
}

/** Nothing younger is trimmed, whatever the bounds: a tab that was frozen for a while still finds its place. One hour. */
export const trimYoungMs: number = 3_600_000;
/** A handler that no tab has defined for so long pins nothing any more. Seven days. */
export const handlerPinMs: number = 7 * 24 * 3_600_000;

/** The most events in one segment: a position has room for 1,024, and a commit of more gains nothing. */
export const segmentEventsMax = 512;
/** The most bytes in one segment, beyond its first event: what one read brings into memory. */
export const segmentBytesMax: number = 256 * 1024;
/** Positions per segment. */
export const positionsPerSegment = 1024;

/**
 * **Law.** Every method is one transaction: all of it happens, or none, also when the process dies within it. A promise
 * that resolves means committed. The log's order is the order of the commits, whichever tab made them, and every reader
 * sees the same one. A page whose `after` has been merged already changes nothing and answers `fenced`: of two leaders,
 * one wins. `read` never skips an entry that a later `read` shows. Nothing is changed by reading.
 *
 * Failures: `StorageFailed` (with the cause) when nothing was kept; `Closed` after `close`; `Outdated` when a newer
 * release has taken the database.
 */
export interface Store {
  /**
   * What is known of the device and of each channel; of one alone, also where nothing is known of it, if it is named: a device
   * may have thousands. Repairs a `read` that a stale leader moved back.
   */
  state(channel?: string): Promise<StoreState>;
  /** Appends own events. Answers the position of each segment's first event. */
  record(segments: readonly OwnSegment[]): Promise<readonly Position[]>;
  /**
   * Appends a relay's page, and moves the channel's cursors with it. A page that was trimmed fences no more, `trimYoungMs`
   * behind its merge at the soonest: who has merged nothing for so long asks `state` first where reading stands.
   */
  merge(page: MergePage): Promise<'merged' | 'fenced'>;
  /** Moves `sent`, and keeps what was refused. */
  confirm(confirmation: Confirmation): Promise<void>;
  /** Why the relay refused each of these own events; null for one that it did not refuse, as far as is known here. */
  refusals(ids: readonly string[]): Promise<readonly (FailureJson | null)[]>;
  /** Reads the log behind `after`: at most `limit` entries, and at least one where there is one. */
  read(after: Position, limit: number): Promise<LogRun>;
  /** Reads a channel's outbound own events behind `after`, at most `limit`. */
  own(channel: string, after: Position, limit: number): Promise<readonly OwnEvent[]>;
  /**
   * Trims the log: whole segments, the oldest first, that are beyond a bound of `Retention` and older than `trimYoungMs`,
   * that lie below the cursor of every handler defined within `handlerPinMs`, and that hold no own event which the relay
   * has not confirmed; segments that must stay are passed over. One that was recorded in the future is young until then.
   * For a handler that no longer pins, the trimmed events behind its cursor are added to its totals, as `passed` and as
   * dropped for `retention`; what it had claimed was counted as `passed` then. Where handlers have a database of their own,
   * that is a transaction of its own, behind the log's: a tab that dies in between leaves it to the next step.
   */
  trim(request: TrimRequest): Promise<Trimmed>;
  /** Releases everything. Resolves when what was under way has ended. */
  close(): Promise<void>;
  /** Closes, and forgets all of it. */
  destroy(): Promise<void>;
}
