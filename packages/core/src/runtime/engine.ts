// The border between the application's thread and the core's: everything that crosses it is structured-clonable.
import type { KnownHandler } from '../durable/durable.ts';
import type { HandlerSpec, TaskHost, TaskOutcome } from '../durable/task.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { FailureJson } from '../failure.ts';
import type { LogEntry, LogRun, Position } from '../ports/store.ts';
import type { Connection, Refusals } from '../ports/tabs.ts';
import type { HandlerRecord, TaskChange, TaskKey, TaskPage, TaskQuery } from '../ports/tasks.ts';
import type { Role, Status } from './runtime.ts';

/** Events of one tick on their way to the disk: checked, with their ids and their source. They become one segment. */
export interface Draft {
  readonly channel: string;
  readonly durable: boolean;
  /**
   * As `textOf` makes it, of JSON that was made as they were published: it crosses threads and is stored as it is; what the
   * caller changes later is not in it.
   */
  readonly text: string;
  /** How many they are: at most `segmentEventsMax`. */
  readonly n: number;
  /** The size of their JSON in UTF-8, that of one added to that of the next. */
  readonly bytes: number;
}

/** What the engine hands to the application's thread: a log entry, or an ephemeral event. */
export type Delivery =
  | LogEntry
  | {
      readonly kind: 'ephemeral';
      readonly channel: string;
      readonly event: CloudEvent;
      /** The runtime's own word, for whoever defines it. */
      readonly builtin?: true | undefined;
    }
  /** Where the log was read to while nobody here listened: whoever does by now says so, and gets the events after all. */
  | { readonly kind: 'passed'; readonly position: Position }
  /** Ephemeral events that found no room on their way here. */
  | { readonly kind: 'dropped'; readonly channel: string; readonly reason: string; readonly events: number };

/** An own event whose outcome is asked for. */
export interface OutcomeOf {
  readonly id: string;
  readonly channel: string;
  readonly position: Position;
}

/** What the relay said of an event: that it has it, or why not. */
export type Outcome = 'relayed' | FailureJson;

/** What the engine knows of how things stand. */
export interface EngineStatus {
  readonly role: Role;
  readonly connection: Connection;
  readonly pending: number;
  /** Channels that the relay refuses for now. */
  readonly paused: Refusals;
  /** The durable handlers of this tab. */
  readonly handlers: readonly KnownHandler[];
  /** No tab of the device begins a task. */
  readonly tasksPaused: boolean;
  /** Events that this tab has trimmed from the log. */
  readonly trimmed: number;
}

/** What the engine is, once it has started. */
export interface EngineHello {
  /** What this device publishes has the source `urn:uuid:` and this. */
  readonly deviceId: string;
  readonly storage: Status['storage'];
  /** Where this tab begins to read. */
  readonly after: Position;
  readonly status: EngineStatus;
}

/** The application's side. */
export interface EngineListener extends TaskHost {
  /**
   * Takes a batch, in order, and answers whether anybody listens: where nobody does, the next comes as `passed`, without its
   * events. The tab's cursor moves when this resolves, and past what was `passed` only when nobody listens, so nothing is
   * skipped when it does not.
   */
  deliver(batch: readonly Delivery[]): boolean | Promise<boolean>;
  status(status: EngineStatus): void | Promise<void>;
  /** Something failed behind the scenes that nobody awaits. Nothing was lost, or it is counted. */
  report(failure: FailureJson): void | Promise<void>;
}

/** The durable handlers' part of an engine. */
export interface TaskEngine {
  /** Starts a durable handler, once the one before of this name has stopped. @throws Failure `InvalidOptions` */
  define(spec: HandlerSpec): Promise<void>;
  /** Stops it in this tab. What runs has so long to end, in milliseconds. */
  undefine(name: string, graceMs: number): Promise<void>;
  settle(outcomes: readonly TaskOutcome[]): Promise<void>;
  /** Begins no task in this tab until told otherwise. */
  hold(held: boolean): Promise<void>;
  /** Begins no task in any tab of the device until told otherwise. */
  pauseTasks(paused: boolean): Promise<void>;
  stopTasks(graceMs: number): Promise<void>;
  handlers(): Promise<readonly HandlerRecord[]>;
  tasks(query: TaskQuery, page: { readonly after?: TaskKey | undefined; readonly limit: number }): Promise<TaskPage>;
  changeTasks(query: TaskQuery, change: TaskChange): Promise<number>;
}

/**
 * The core, as the application's thread sees it. Every method rejects with a `Failure`.
 * `record` keeps the order of the calls, and resolves when the events are committed. It answers where the first event of each
 * draft is, behind which its others follow; null stands for ephemeral ones.
 */
export interface Engine extends TaskEngine {
  start(listener: EngineListener): Promise<EngineHello>;
  record(drafts: readonly Draft[]): Promise<readonly (Position | null)[]>;
  /** What the relay has answered to events of this device; null where it has not. */
  outcomes(items: readonly OutcomeOf[]): Promise<readonly (Outcome | null)[]>;
  /** How many events of this device wait for the relay, as its disk says. */
  waiting(): Promise<number>;
  /** Reads the device's log, as `Store.read` does. */
  read(after: Position, limit: number): Promise<LogRun>;
  /** Stops, or takes up, talking to the relay; to take it up hurries. */
  setPaused(paused: boolean): Promise<void>;
  /**
   * There may be a network again: the device's next try comes within a first backoff, jittered, whatever it waited for; what
   * the relay asked for is waited out. Nothing happens where it is connected.
   */
  hurry(): Promise<void>;
  /** Whether somebody looks at this tab: that hurries, and it takes over from a leader that froze or hangs. Not visible unless said, once started. */
  setVisible(visible: boolean): Promise<void>;
  close(): Promise<void>;
  /** Closes, and forgets what the device has stored. */
  destroy(): Promise<void>;
}
