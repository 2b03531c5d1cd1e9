// What crosses between the engine, which knows the disk, and the thread where the application's functions live.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { FailureJson } from '../failure.ts';
import type { Position } from '../ports/store.ts';

/** A durable handler, but for its functions. */
export interface HandlerSpec {
  /** What is stored: it must stay the same across releases. */
  readonly name: string;
  /** Which types it handles. */
  readonly pattern: string;
  /** Only this channel's events; null: those of every channel that the tab reads. */
  readonly channel: string | null;
  /** `relay`: only events that the relay has ordered, own ones once they have come back. */
  readonly order: 'local' | 'relay';
  /** Where it begins when it has never been defined on this device. */
  readonly from: 'now' | 'earliest';
  /** How many of its tasks run at the same time. */
  readonly concurrency: number;
  /** The total of attempts. */
  readonly maxErrors: number;
  /** Whether its events have keys. */
  readonly keyed: boolean;
}

/** One attempt of one event with one handler. */
export interface Task {
  readonly handler: string;
  /** Under which lease. */
  readonly term: number;
  readonly position: Position;
  readonly channel: string;
  readonly event: CloudEvent;
  readonly offset: string | null;
  /** From 1. */
  readonly attempt: number;
  readonly key: string | null;
  /** It comes from a row: it has been tried, or was blocked. */
  readonly again: boolean;
  /** Why the attempt before failed, if it comes from a row. */
  readonly failure?: FailureJson | null;
}

/** How an attempt ended. */
export type TaskEnd =
  | { readonly kind: 'handled' }
  /** `afterMs`: when to try again; null: never. */
  | { readonly kind: 'failed'; readonly failure: FailureJson; readonly afterMs: number | null }
  /** This release does not understand the event. No attempt was used. */
  | { readonly kind: 'deferred'; readonly failure: FailureJson }
  /** A hook did not want it. */
  | { readonly kind: 'skipped'; readonly failure: FailureJson }
  /** It is fresh, and an earlier one of its key has failed, which is told before. No attempt was used. */
  | { readonly kind: 'blocked' }
  /** It was not begun, or interrupted by a shutdown. No attempt was used. */
  | { readonly kind: 'returned' };

/** An attempt's end, and which one it was. */
export type TaskOutcome = Pick<Task, 'handler' | 'term' | 'position'> & TaskEnd;

/** The application's thread, as the engine sees it. */
export interface TaskHost {
  /**
   * Takes tasks of one handler to run; answers at once. How each ended comes back as outcomes. `stored` are keys of which
   * a failed task stands in the store by now: fresh events of theirs, which are handed out from here on, come behind it.
   */
  run(handler: string, tasks: readonly Task[], stored: readonly string[]): void | Promise<void>;
  /** The lease is lost: signals are aborted, what waits is forgotten, and no outcome is expected. */
  drop(handler: string, failure: FailureJson): void | Promise<void>;
  /** Begins no more, returns what waits, and gives what runs so long to end, in milliseconds; then it is interrupted. */
  finish(handler: string, graceMs: number): void | Promise<void>;
  /** The keys of events, in their order. */
  keys(
    handler: string,
    events: readonly CloudEvent[],
  ): readonly (string | null)[] | Promise<readonly (string | null)[]>;
  /** Answers when the thread is not hung. */
  alive(): void | Promise<void>;
}
