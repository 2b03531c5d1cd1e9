// What an application holds: the same in one thread and through a worker, in the browser, Node and workerd.
import type { KnownHandler } from '../durable/durable.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { EventDefinition, EventInput, EventName, EventOutput } from '../event/define.ts';
import type { Gap } from '../protocol/frames.ts';
import type { Position } from '../ports/store.ts';
import type { Connection, Refusal } from '../ports/tabs.ts';
import type { EventRef, PublishArguments, Published, Receipt } from './publishing.ts';
import type { Subscription } from './subscription.ts';
import type { HandleOptions, SchedulerState, TaskContext, Tasks } from './tasks/types.ts';

/** What `on` takes: a name that is defined, or a pattern, which has a `*`. */
export type RuntimePattern<Events> = EventName<Events> | `${string}*${string}`;

/** An event as a handler gets it: the envelope as it was published, with the payload lifted and validated. */
export interface Delivered<Type extends string = string, Data = unknown> extends CloudEvent<Type, Data> {
  readonly data: Data;
  readonly channel: string;
  /**
   * The relay's offset. Null on an own event in `local` order, which is heard before the relay has it, and is not told again
   * once it has: `runtime.relayed(event)` says that, and so does a subscription with `order: 'relay'`.
   */
  readonly offset: string | null;
  /** Its place in this device's log; null on an ephemeral event, which has none. */
  readonly position: Position | null;
}

/** What `Pattern` can deliver: one event, or the union of those that a pattern may match. */
export type DeliveredBy<Events, Pattern extends string> =
  Pattern extends EventName<Events>
    ? Delivered<Pattern, EventOutput<Events, Pattern>>
    : { [Name in EventName<Events>]: Delivered<Name, EventOutput<Events, Name>> }[NameMatching<
        EventName<Events>,
        Pattern
      >];

/** The names that a pattern may match. Exact for `*`, `**` and `prefix.**`; elsewhere every name with the same first segment. */
export type NameMatching<Name extends string, Pattern extends string> = Pattern extends '*' | '**'
  ? Name
  : Pattern extends `${infer Head}.${string}`
    ? Head extends '*' | '**'
      ? Name
      : Extract<Name, `${Head}.${string}` | Head>
    : never;

/** How a live handler hears. */
export interface OnOptions {
  /**
   * `local` (the default): own events at once, others' as they come. `relay`: only what the relay has ordered, own events
   * once they have come back, in the same order on every device.
   */
  readonly order?: 'local' | 'relay' | undefined;
  /** Only this channel's events. */
  readonly channel?: string | undefined;
  /** Hears of events that this device will never get, in their place in the order. Status tells of them too. */
  readonly onGap?: ((gap: Gap & { readonly channel: string }) => void) | undefined;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
}

/** How the device's log is read. */
export interface EventsOptions extends Omit<OnOptions, 'signal'> {
  /**
   * Behind which position, as a receipt or an event has it; from the earliest event that the device holds, unless said, or null.
   * One of a log that was lost since is a gap, behind which it begins with the earliest.
   */
  readonly after?: Position | null | undefined;
  /** Whether the loop goes on with what comes; true unless said. False: it ends where the log ends. */
  readonly live?: boolean | undefined;
  /** Ends the loop. */
  readonly signal?: AbortSignal | undefined;
}

/** Who talks to the relay: this tab for all (`leader`), another (`follower`), or every tab for itself, if there is one (`solo`). */
export type Role = 'leader' | 'follower' | 'solo';

/** One channel of a device. */
export interface ChannelStatus {
  /** Gaps told since this tab began, newest last. */
  readonly gaps: readonly Gap[];
  /** Whether the relay refuses it for now; other channels go on. */
  readonly paused: boolean;
  /** Why it does, in the relay's words where it has some; null where it does not. */
  readonly failure: Refusal | null;
}

/** A snapshot: never changed, replaced when something changes. */
export interface Status {
  readonly role: Role;
  readonly connection: Connection;
  /** `memory`: what is published is lost with the process. */
  readonly storage: 'indexeddb' | 'sqlite' | 'memory';
  readonly deviceId: string;
  /** Events of this device that the relay has not confirmed yet. */
  readonly pending: number;
  /** Counts of this tab, since `since`. */
  readonly counts: Counts;
  readonly channels: Readonly<Record<string, ChannelStatus>>;
  /** Events that left the device's log by its retention since this tab began; trimmed by this tab, that is. */
  readonly trimmed: number;
  /** Where the scheduler of durable handlers stands. */
  readonly tasks: SchedulerState;
  /** The durable handlers of this tab, by name: what waits, runs, is dead. */
  readonly handlers: Readonly<Record<string, KnownHandler>>;
}

/** What one tab has seen. Per delivery to a handler: passed = delivered + filtered + dropped. */
export interface Counts {
  /** RFC 3339. */
  readonly since: string;
  /** Events that `publish` accepted. */
  readonly published: number;
  /** Events that `publish` refused. */
  readonly refused: number;
  /** Handed to a handler. */
  readonly delivered: number;
  /** Handler calls that failed, of those delivered. */
  readonly failed: number;
  /**
   * By reason: `invalid` (the payload breaks its schema or an upcast), `newer` (of a version that this release does not
   * know), `unknown` (its type is not defined here), `refused` (by the relay, for good; counted in the leader's tab), and
   * for ephemeral events `overflow`, `offline`, `unreachable`.
   */
  readonly dropped: Readonly<Record<string, number>>;
}

/** A value that changes, to read and to hear of. Fits `useSyncExternalStore`: neither needs its `this`. */
export interface Readable<Value> {
  /** The value as it is now: the same object until something changes. */
  get(): Value;
  /** Calls `listener` behind each change, once for all that changes in one go. The signal ends that, as the answer does. */
  subscribe(listener: () => void, options?: { readonly signal?: AbortSignal | undefined }): Subscription;
}

/** An event runtime. */
export interface Runtime<Events> {
  /**
   * Publishes an event. Resolves when it is on this device's disk: from then on it survives the tab, and reaches the
   * relay as soon as there is a network. Events of one tab keep the order of the calls.
   *
   * @throws Failure `InvalidPayload` (says where), `InvalidEvent`, `UnknownEvent`, `InvalidChannel`, `TooLarge`,
   * `OutboxFull`, `StorageFailed`, `Outdated`, `Closed`: nothing was stored then; `TimedOut` and `WorkerFailed`: it may
   * have been stored all the same
   */
  publish<Name extends EventName<Events>>(
    event: EventRef<Events, Name>,
    ...data: PublishArguments<EventInput<Events, NoInfer<Name>>>
  ): Promise<Receipt>;

  /**
   * Hears events of this runtime's channels from now on, in the order asked for, while this tab lives. A handler that
   * throws is reported; the others run.
   *
   * @returns stop; `using` stops, too
   * @throws Failure `UnknownEvent`, `InvalidPattern`, `InvalidOptions`, `Closed`
   */
  on<Pattern extends RuntimePattern<Events>>(
    pattern: Pattern | EventDefinition<Pattern>,
    handler: (event: DeliveredBy<Events, NoInfer<Pattern>>) => unknown,
    options?: OnOptions,
  ): Subscription;

  /**
   * Handles events durably: at least once per event and **device**, whichever tab does it, across reloads and restarts, with
   * retries, and with a dead letter at the end of them. What must happen once for *all* devices, such as charging a card,
   * belongs at the relay, not here. The name is what is stored: it stays the same across releases. An event may be handled
   * twice, where a tab dies before it could say that it was done: so handlers are idempotent.
   *
   * @returns stop, for this tab: another that defines the handler goes on
   * @throws Failure `InvalidOptions` (also for a name that this runtime has already), `UnknownEvent`, `InvalidPattern`, `Closed`
   * @example
   * ```ts
   * runtime.handle('order.placed', 'send-receipt', async ({ data }, { signal }) => {
   *   await fetch('/receipts', { method: 'POST', body: JSON.stringify(data), signal });
   * });
   * ```
   */
  handle<Pattern extends RuntimePattern<Events>>(
    pattern: Pattern | EventDefinition<Pattern>,
    name: string,
    handler: (event: DeliveredBy<Events, NoInfer<Pattern>>, task: TaskContext<Events>) => unknown,
    options?: HandleOptions<DeliveredBy<Events, NoInfer<Pattern>>>,
  ): Subscription;

  /** What durable handlers have to do, and what they gave up. */
  readonly tasks: Tasks;

  /**
   * Reads the device's log: what it holds behind `after`, in the order asked for, and then what comes. Leaving the loop,
   * `return()`, `await using`, the signal, or closing the runtime ends it, also while it waits; nothing is read before it
   * is asked for. Ephemeral events are not in the log.
   *
   * @throws Failure `UnknownEvent`, `InvalidPattern`, `InvalidOptions`, `Closed`
   * @example
   * ```ts
   * for await (const { data } of runtime.events('todo.added', { live: false })) show(data.title);
   * ```
   */
  events<Pattern extends RuntimePattern<Events>>(
    pattern: Pattern | EventDefinition<Pattern>,
    options?: EventsOptions,
  ): AsyncGenerator<DeliveredBy<Events, NoInfer<Pattern>>, void, undefined>;

  /** How things stand. */
  readonly status: Readable<Status>;
  /**
   * As a receipt's own `relayed`, for any event of this device, whichever tab published it, and when: what a page shows
   * again after a reload, or of another tab, it can take back if the relay refuses it. At once for an event with an offset.
   *
   * @throws Failure as a receipt's
   * @example
   * ```ts
   * for await (const event of runtime.events('todo.added')) {
   *   show(event);
   *   runtime.relayed(event).catch(() => takeBack(event));
   * }
   * ```
   */
  relayed(event: Published, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;

  /**
   * Resolves when nothing of this device waits for the relay any more, what is published meanwhile included; at once where
   * there is no relay. It waits for as long as the network does not come.
   *
   * @throws Failure `Closed`; `StorageFailed`, `TimedOut` and `WorkerFailed` when the disk cannot be asked; the signal's reason
   */
  flush(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;

  /** Stops talking to the relay, for the whole device. Publishing goes on, to disk. */
  pause(): void;
  /** Talks to the relay again; where the device waits for its next try, as behind `needs-auth`, within half a second. */
  resume(): void;

  /**
   * Gives durable handlers that run up to 5 s to end, waits for what is being stored, then releases everything. A
   * handler that has not ended has its signal aborted, has used no attempt, and runs again with the next tab that defines it; for
   * another time than that, call `tasks.shutdown` first. What is pending stays on disk. Closing twice is closing once.
   */
  close(): Promise<void>;
  /**
   * Closes, and forgets all that the device has stored for this name and user, also what the relay does not have yet. Other tabs
   * lose it too. Twice is once.
   *
   * @throws Failure `Closed` behind `close`: create another runtime, and destroy that; `StorageFailed`, `TimedOut`
   */
  destroy(): Promise<void>;
  /** Closes: `await using runtime = await createRuntime(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
}
