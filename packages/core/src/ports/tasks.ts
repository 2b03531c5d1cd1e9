// What a device remembers of its durable handlers: how far each is in the log, and a row for each exception.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { FailureJson } from '../failure.ts';
import type { Position, Store } from './store.ts';

/**
 * Where a row stands.
 *
 * - `waiting`: to be run at `due`, after a failure or by hand.
 * - `blocked`: another task of the same key comes first.
 * - `running`: claimed; an attempt is counted.
 * - `dead`: given up; a person sees it, runs it again or discards it.
 * - `deferred`: no release here understands the event yet.
 * - `cancelled`: not to be run; also noted ahead, for an event that its handler has not reached.
 */
export type TaskState = 'waiting' | 'blocked' | 'running' | 'dead' | 'deferred' | 'cancelled';

/** Every state. */
export const taskStates: readonly TaskState[] = ['waiting', 'blocked', 'running', 'dead', 'deferred', 'cancelled'];

/** One event with one handler, where a cursor does not say enough. It holds a copy, so that the log need not. */
export interface TaskRow {
  readonly handler: string;
  /** The event's place in the device's log: with the handler's name, the row's key. */
  readonly position: Position;
  readonly state: TaskState;
  readonly channel: string;
  readonly event: CloudEvent;
  /** The relay's offset of the event; null where it had none. */
  readonly offset: string | null;
  /**
   * How often it has been tried. A claim counts an attempt, so that an event which kills its tab has used one; who finds it
   * claimed by the dead takes that back where it cannot have begun, or nobody knows.
   */
  readonly attempts: number;
  /** Events of one key run one after the other, in the order of their positions; null: none of that. */
  readonly key: string | null;
  /** When the row was last changed, in wall-clock milliseconds. */
  readonly at: number;
  /** How long behind `at` a waiting row is due, in milliseconds. Both are kept, since the wall clock may jump. */
  readonly delayMs: number;
  /** Why the last attempt failed, or what is not understood. */
  readonly failure: FailureJson | null;
}

/** How many of a handler's events ended how, since it was first defined; committed with what they count. */
export interface TaskTotals {
  /** Taken from the log: passed = handled + the rows there are + what is claimed + everything dropped. */
  readonly passed: number;
  readonly handled: number;
  /** Attempts that failed. */
  readonly failed: number;
  /** Events that came to nothing, by reason: `skipped`, `cancelled`, `discarded`, `overflow`, `retention`. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** A durable handler, as it is stored. */
export interface HandlerRecord {
  readonly name: string;
  /** Every event up to here has ended, or has a row. */
  readonly cursor: Position;
  /** Handed out up to here. */
  readonly claimed: Position;
  /** Of those in between, the ones that have ended, or have a row. */
  readonly ended: readonly Position[];
  /** The tab that runs it; null: none. */
  readonly owner: string | null;
  /** Grows with each new owner. */
  readonly term: number;
  /** Grows with each step of the owner: one that stands still, while there is work, is gone. */
  readonly beat: number;
  /** When a tab last defined it, or took a step of it, in wall-clock milliseconds. */
  readonly definedAt: number;
  /** How many rows it has, by state. */
  readonly rows: Readonly<Record<TaskState, number>>;
  /** The least `at + delayMs` of the waiting rows; null: none waits. */
  readonly due: number | null;
  readonly totals: TaskTotals;
}

/** A tab wants to run a handler. */
export interface LeaseRequest {
  readonly handler: string;
  readonly tab: string;
  /** Wall-clock milliseconds. */
  readonly at: number;
  /** Where a handler begins that was never defined here; without it, such a one is not made. */
  readonly start?: Position;
  /** The lease to take over, as it was last seen: it is taken only if it still is so. */
  readonly over?: { readonly term: number; readonly beat: number } | undefined;
}

/** What the owner of a handler changes, as one transaction. */
export interface Step {
  readonly handler: string;
  readonly term: number;
  /** Wall-clock milliseconds: `at` of every row that this step changes by itself. */
  readonly at: number;
  readonly cursor: Position;
  readonly claimed: Position;
  readonly ended: readonly Position[];
  /** Rows to be written as they are, but over none that was cancelled ahead. */
  readonly put: readonly TaskRow[];
  /** Rows that have ended. */
  readonly remove: readonly Position[];
  /**
   * Keys of which a task has ended: the next blocked row of each waits from now on, due at once, unless another row of the
   * key waits or runs.
   */
  readonly unblock: readonly string[];
  /**
   * Rows of events just taken from the log: each is written as `blocked` if its key has a row that waits, runs or is blocked,
   * and if it was not cancelled ahead. The others are not written: they run from the log.
   */
  readonly queue: readonly TaskRow[];
  /** How many due rows to claim; 0: none. */
  readonly claim: number;
  /** Added to the totals. */
  readonly totals: TaskTotals;
  /** The owner lets go. */
  readonly release: boolean;
}

/** What became of a step. */
export interface Advanced {
  /**
   * Due rows, now `running`, each with one more attempt: the oldest due first, and behind them those whose `at` lies in the
   * future, by `at`; those of equal rank by position.
   */
  readonly claimed: readonly TaskRow[];
  /** Which of `queue` were written as blocked. */
  readonly queued: readonly Position[];
  /**
   * Events between the claimed position of before and that of this step that were cancelled ahead: they are not to be run.
   * Their rows are gone, and counted as `cancelled`.
   */
  readonly cancelled: readonly Position[];
  readonly record: HandlerRecord;
}

/** Which rows. */
export interface TaskQuery {
  readonly handler?: string;
  /** The event's type. */
  readonly type?: string;
  readonly states?: readonly TaskState[];
  /** One row. Only together with `handler`. */
  readonly position?: Position;
}

/** A row's key. */
export interface TaskKey {
  readonly handler: string;
  readonly position: Position;
}

/** A page of rows, by handler and position. */
export interface TaskPage {
  readonly tasks: readonly TaskRow[];
  /** The key to go on behind; null: there are no more. */
  readonly next: TaskKey | null;
}

/** What a person does with rows. */
export type TaskChange =
  /** Dead, deferred and waiting rows run again, at once; dead ones with all their attempts. */
  | 'retry'
  /** Dead and deferred rows go, counted as `discarded`. */
  | 'discard'
  /** Waiting, blocked and deferred rows go, counted as `cancelled`. A running one is passed over, since it is under way. */
  | 'cancel';

/**
 * **Law.** Every method is one transaction over what it names and never touches the log, so whoever hangs in one blocks no
 * publish. (A database of Chromium 156 has one writer at a time, whatever stores it writes to, and two databases do not wait
 * for each other: in the browser handlers have one of their own.) Leases and steps of several handlers that are asked for at
 * once may share one transaction, and none of them sees another, or fails with it. Of
 * several tabs that lease one handler, one has it: its term is above all before, and every step of another term, or after
 * the owner has let go, is `fenced` and changes nothing. Of the live rows of one key (waiting, blocked,
 * running), one is not blocked: when that one ends by `unblock`, or goes by `change`, the next by position waits, due at
 * once. A row is claimed by one step only. `rows`, `due` and `totals` always agree with the rows. A row is due when
 * `at + delayMs` has come, and also when `at` lies in the future: the clock jumped back, nobody knows how long was waited,
 * and an attempt too early harms less than a wait of hours.
 *
 * Failures: as `Store`.
 */
export interface TaskStore {
  /** Every handler that was ever defined here and not forgotten, by name. */
  handlers(): Promise<readonly HandlerRecord[]>;
  /**
   * Makes the tab the owner, if nobody is, if it already is (nothing but `definedAt` changes then), or if the lease to
   * take over still is as it was seen. Answers the record as it is then, whoever owns it; null when there is none.
   */
  lease(request: LeaseRequest): Promise<HandlerRecord | null>;
  /**
   * Commits what the owner did, and claims more. In this order: put, remove, unblock, cancelled ahead (those are not queued),
   * queue, claim.
   */
  advance(step: Step): Promise<Advanced | 'fenced'>;
  /**
   * At most `limit` rows behind `after`, by handler and position. A page by `type` may hold fewer, also none, and still have
   * a `next`, so that no read goes through all there is.
   */
  tasks(query: TaskQuery, page: { readonly after?: TaskKey | undefined; readonly limit: number }): Promise<TaskPage>;
  /**
   * Changes at most `limit` rows; answers how many, and where to go on. Rows in other states than the change names are
   * passed over. A row that runs again while its key has another live one is `blocked`; whoever was blocked by a row that
   * went is not any more. A page by `type` as in `tasks`.
   */
  change(
    query: TaskQuery,
    change: TaskChange,
    page: { readonly at: number; readonly after?: TaskKey | undefined; readonly limit: number },
  ): Promise<{ readonly changed: number; readonly next: TaskKey | null }>;
  /**
   * Notes ahead that an event is not to be run: its handler has not reached it. Answers false when it has, also where it
   * has ended and those before it were given back, or when there is no such handler.
   */
  cancelAhead(row: Omit<TaskRow, 'state'>): Promise<boolean>;
  /** Forgets a handler that nobody owns, with its rows. Answers whether there was one. */
  forget(handler: string): Promise<boolean>;
}

/** What durable handlers work on: a log that they read, and what is remembered of them. */
export type HandlerStore = Pick<Store, 'read'> & TaskStore;

/** Everything that a device remembers. */
export type DeviceStore = Store & TaskStore;
