// Durable handlers, as an application sees them.
import type { BackoffRule } from '../../durable/policy.ts';
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { EventInput, EventName } from '../../event/define.ts';
import type { HandlerRecord, TaskKey, TaskPage, TaskQuery } from '../../ports/tasks.ts';
import type { BackoffOptions } from '../../timing/backoff.ts';
import type { EventRef, PublishArguments, Receipt } from '../publishing.ts';

/** How a durable handler handles. */
export interface HandleOptions<Event = unknown> {
  /**
   * The total of attempts; 5 by default. Behind the last failure the event is a dead letter. A tab that dies has used one of no
   * more events than run at once: those that came first of what it had claimed. The others run again by as few at a time as run at
   * once, so that an event which kills every tab takes none along that was not under way. If it was not among the first, since the
   * ends of those before it were not stored yet, it begins once more than this. With 1 nothing is claimed before it can run, so that
   * what has not begun is no dead letter: that takes a commit for each so many events as run at once, which quick handlers feel.
   */
  readonly maxErrors?: number | undefined;
  /** Which handler's tasks run first where workers are scarce: the lower. 50 by default. */
  readonly priority?: number | undefined;
  /**
   * How long to wait behind a failure: a rule that answers milliseconds, or the bounds of exponential backoff with full
   * jitter; by default a second behind the first failure, doubling, five minutes at most.
   */
  readonly backoff?: BackoffRule | BackoffOptions | undefined;
  /**
   * How many milliseconds one attempt may take. Then its signal aborts, and the attempt has failed with `TimedOut`. In a
   * page that is hidden the browser may be late with it, by up to a minute; a worker of one's own is not.
   */
  readonly timeoutMs?: number | undefined;
  /** How many of its events are handled at the same time; 1 by default, which keeps their order but across retries. */
  readonly concurrency?: number | undefined;
  /**
   * Events of one key are handled in their order, one at a time, also across retries; null: an event without a key. What a tab
   * of an older release has put aside, since it could not read it, is handled without that order: its key was not known.
   */
  readonly key?: ((event: Event) => string | null) | undefined;
  /**
   * Where a handler begins that this device has never had: at what comes from `now` on, or at the `earliest` event that it
   * holds. To a new device the relay's past comes from now on, too, unless it reads the channel `from: 'latest'`.
   */
  readonly from?: 'now' | 'earliest' | undefined;
  /** `relay`: only what the relay has ordered, own events once they have come back. `local` by default, as with `on`. */
  readonly order?: 'local' | 'relay' | undefined;
  /** Only this channel's events. */
  readonly channel?: string | undefined;
  /** Stops handling in this tab; another tab that defines the handler goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** What a durable handler gets beside the event. */
export interface TaskContext<Events> {
  /** Aborts when the time is over, when the lease is lost to another tab, or at shutdown. What is done then counts no more. */
  readonly signal: AbortSignal;
  /** Which try this is, from 1. One that ended with its tab does not count where nobody knows whether it had begun. */
  readonly attempt: number;
  /** The handler's name. */
  readonly handler: string;
  /**
   * Publishes an event that this one caused: with its correlation id, and its id as the causation's. As `runtime.publish`.
   *
   * @throws Failure as `runtime.publish`; the signal's reason once that has aborted
   */
  publish<Name extends EventName<Events>>(
    event: EventRef<Events, Name>,
    ...data: PublishArguments<EventInput<Events, NoInfer<Name>>>
  ): Promise<Receipt>;
}

/** What an application may do with every task before it is run. What a hook throws skips the event for that handler, for good, counted as `skipped`. */
export interface TaskHooks {
  /** Before each attempt: what it answers, if anything, is the event from here on. */
  readonly beforeProcessing?: ((event: CloudEvent) => CloudEvent | void | Promise<CloudEvent | void>) | undefined;
  /** Before each attempt, behind the other, with which handler and which try it is. */
  readonly beforeExecuting?:
    | ((
        event: CloudEvent,
        task: { readonly handler: string; readonly attempt: number; readonly signal: AbortSignal },
      ) => CloudEvent | void | Promise<CloudEvent | void>)
    | undefined;
}

/** How this tab runs durable handlers. */
export interface TaskOptions {
  /** How many tasks run at the same time, of all handlers; 16 by default. */
  readonly workers?: number | undefined;
  /** The most tasks of one handler that are claimed at once; 512 by default. */
  readonly batch?: number | undefined;
  /** `concurrent` (the default): claims while others run. `cooperative`: claims, runs all of it, claims again. */
  readonly scheduler?: 'concurrent' | 'cooperative' | undefined;
  /** False: nothing is run before `tasks.start()`. */
  readonly start?: boolean | undefined;
  readonly hooks?: TaskHooks | undefined;
  /** What to do with an event published here that no durable handler of this tab handles: nothing, or warn, once for each type. It stays in the log either way. */
  readonly unhandled?: 'ignore' | 'warn' | undefined;
}

/** Where the scheduler stands. */
export type SchedulerState = 'held' | 'running' | 'paused' | 'stopping' | 'stopped';

/** One durable handler of this device. */
export interface HandlerStatus extends Omit<HandlerRecord, 'cursor' | 'claimed' | 'ended' | 'owner' | 'term' | 'beat'> {
  /** Whether this tab defines it. One that no tab defines is deferred: its tasks wait for a release that does. */
  readonly isDefined: boolean;
  /** Whether this tab runs it. */
  readonly isHere: boolean;
}

/** What there is to do, and to be done with, in durable handlers. */
export interface Tasks {
  readonly state: SchedulerState;
  /**
   * Begins, where the runtime was made with `start: false`. A pause from before holds.
   *
   * @throws Failure `Misused` when it has begun, or ended; `Closed` when the device's log is lost to this tab
   */
  start(): void;
  /** Begins no more tasks, in all tabs that are open now. What runs goes on to its end. */
  pause(): void;
  resume(): void;
  /**
   * Stops this tab's durable handlers: begins no more, and gives what runs `timeoutMs` to end ({@link shutdownMs} by default).
   *
   * @throws Failure `Misused` when it has not begun, or was shut down; `Closed` when the device's log is lost to this tab
   */
  shutdown(options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
  /** Every durable handler that this device knows, by name: how much waits, is dead or deferred, and what was counted. */
  handlers(): Promise<readonly HandlerStatus[]>;
  /**
   * Tasks, by handler and position: dead letters by `{ states: ['dead'] }`. 100 by default.
   *
   * @throws Failure `InvalidOptions` when the limit is no whole number of at least 1, or `after` no `next`
   */
  list(
    query?: TaskQuery,
    page?: { readonly after?: TaskKey | null | undefined; readonly limit?: number | undefined },
  ): Promise<TaskPage>;
  /** How many tasks a query finds. */
  count(query?: TaskQuery): Promise<number>;
  /**
   * Runs dead, deferred and waiting tasks again, at once; dead ones with all their attempts.
   *
   * @returns how many
   * @throws Failure `InvalidOptions` when a word of the query is undefined: it would choose more than was meant
   */
  retry(query: TaskQuery): Promise<number>;
  /**
   * Gives up dead and deferred tasks for good, counted as `discarded`; `{}` gives up all of them.
   *
   * @returns how many
   * @throws Failure `InvalidOptions` as `retry`
   */
  discard(query: TaskQuery): Promise<number>;
  /**
   * Takes back tasks that wait, are blocked or deferred, counted as `cancelled`; what runs is not interrupted. With a
   * handler and a position, as a receipt has it, also an event that the handler has not come to yet.
   *
   * @returns how many
   * @throws Failure `InvalidOptions` as `retry`
   */
  cancel(query: TaskQuery): Promise<number>;
}

/** How long a shutdown waits for what runs, in milliseconds, unless said otherwise: about as long as a person waits for a page to go. */
export const shutdownMs = 5000;
