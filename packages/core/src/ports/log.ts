// What a relay remembers: one log per channel, in one order.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Gap } from '../protocol/frames.ts';
import type { LogPosition } from '../protocol/offset.ts';
import type { LogRecord } from '../protocol/record.ts';
import type { Stop } from './world.ts';

export type { LogPosition, LogRecord };

/** What became of one event, and where it stands. */
export interface Appended {
  readonly status: 'appended' | 'duplicate';
  readonly sequence: number;
}

/** Records that have just been committed, in order and without a hole. */
export interface LogNews {
  readonly records: readonly LogRecord[];
}

/** A run of a channel's log. */
export interface LogPage {
  readonly epoch: string;
  readonly records: readonly LogRecord[];
  /** The sequence that reading began behind: what `after` became. */
  readonly after: number;
  /** The newest sequence; 0 where nothing was ever appended in this epoch. */
  readonly head: number;
  /** What lay between the position asked for and `after`, where that is no longer held. */
  readonly gap?: Gap;
}

/** A channel's log in numbers. */
export interface LogStat {
  readonly epoch: string;
  /** The newest sequence. */
  readonly head: number;
  /** The oldest sequence held; `head + 1` where none is. */
  readonly tail: number;
  /** The size of the JSON held. */
  readonly bytes: number;
  /** Counts since the channel was made, committed with the appends. */
  readonly published: number;
  readonly duplicates: number;
  readonly refused: number;
}

/** What to drop: whatever is older, and whatever is beyond the size or the number. */
export interface TrimBounds {
  /** Wall-clock milliseconds: events appended before are dropped. */
  readonly before: number;
  /** The most bytes to keep. */
  readonly bytesMax: number;
  /** The most events to keep, and up to a commit more: so many of the newest stay, unless they are too old or too large. */
  readonly eventsMax?: number;
}

/**
 * **Law.** `append` is one transaction: its events take the next sequences, in the batch's order and without a hole,
 * and its counts move with them; it resolves only when that is committed, as durably as the adapter says. An identity
 * (`source` and `id`) that the log holds, or that stands earlier in the batch, is a duplicate and answers the first's
 * sequence. Concurrent appends are as if one came after the other. `follow` announces each committed record once, in
 * order, after its commit and never before; announcements of other nodes come too. A position of another epoch, or
 * beyond the head, reads from the earliest with a gap `epoch` and `missed: null`; one below the tail, with a gap
 * `retention` and the exact number. A log that another relay removes, or renews in another epoch, is closed, and tells its
 * followers so. `trim` drops whole segments from the tail, never the counts, never the epoch.
 *
 * Failures: `StorageFailed` when nothing was kept, as far as the log knows (of a host that does not answer nobody does: what is
 * sent again is recognised); `Closed` after `close`.
 */
export interface Log {
  /** Appends events. `refused` is the number of their neighbours that were refused before they got here. */
  append(events: readonly CloudEvent[], refused: number): Promise<readonly Appended[]>;
  /** Reads at most `limit` records behind a position, fewer where they are large, and at least one where there is one. */
  read(after: LogPosition, limit: number): Promise<LogPage>;
  /** Hears of every commit that the next `stat` does not tell of. `ended` is called once, if another relay ends the log. */
  follow(listener: (news: LogNews) => void, ended?: () => void): Stop;
  stat(): Promise<LogStat>;
  /** Answers how many events were dropped. */
  trim(bounds: TrimBounds): Promise<number>;
  close(): Promise<void>;
}

/** **Law.** One `Log` per channel; a channel that was removed begins anew, empty, in another epoch and with counts of zero. */
export interface Logs {
  open(channel: string): Promise<Log>;
  /** The channels that hold, or have held, something. */
  channels(): Promise<readonly string[]>;
  /** Forgets a channel. Answers whether there was one. Logs of it that are open are closed. */
  remove(channel: string): Promise<boolean>;
  close(): Promise<void>;
}
