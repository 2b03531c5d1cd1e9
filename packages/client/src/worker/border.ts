// What crosses between the page's thread and the worker: only what can be cloned, and failures in an envelope of our own.
import {
  failureFromJson,
  failureToJson,
  type ChannelFrom,
  type CloudEvent,
  type Delivery,
  type Draft,
  type EngineHello,
  type EngineStatus,
  type FailureJson,
  type HandlerRecord,
  type HandlerSpec,
  type LogRun,
  type Outcome as RelayOutcome,
  type OutboxLimits,
  type OutcomeOf,
  type Position,
  type Retention,
  type Task,
  type TaskChange,
  type TaskEngineOptions,
  type TaskKey,
  type TaskOutcome,
  type TaskPage,
  type TaskQuery,
} from '@godwit/core';

/** The version of the calls below. A page and its worker come from one build, unless a cache kept one of them. */
export const borderVersion = 9;

/** How the worker's engine is made. */
export interface WorkerOptions {
  /** The database, the lock and the broadcast channel are called so. */
  readonly name: string;
  /** The relay's whole address; undefined where there is none. */
  readonly relay: string | undefined;
  readonly hasToken: boolean;
  readonly credentials: RequestCredentials | undefined;
  readonly durability: 'relaxed' | 'strict' | undefined;
  readonly channels: readonly ChannelFrom[];
  readonly tasks: TaskEngineOptions;
  readonly retention: Partial<Retention> | undefined;
  readonly outbox: Partial<OutboxLimits> | undefined;
  /** Where this tab has read to in the device's log, if a worker before this one has read for it; else it begins at the head. */
  readonly after?: Position | undefined;
  /** A lock that the worker holds while it lives, so that the page hears of its end. */
  readonly alive: string;
}

/** What an answer becomes on its way: Comlink would lose a failure's details and cause. */
export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: FailureJson };

/** The worker's side. */
export interface WorkerSide {
  hello(): number;
  start(options: WorkerOptions): Promise<Outcome<EngineHello>>;
  record(drafts: readonly Draft[]): Promise<Outcome<readonly (Position | null)[]>>;
  outcomes(items: readonly OutcomeOf[]): Promise<Outcome<readonly (RelayOutcome | null)[]>>;
  waiting(): Promise<Outcome<number>>;
  read(after: Position, limit: number): Promise<Outcome<LogRun>>;
  setPaused(paused: boolean): Promise<Outcome<void>>;
  hurry(): Promise<Outcome<void>>;
  setVisible(visible: boolean): Promise<Outcome<void>>;
  define(spec: HandlerSpec): Promise<Outcome<void>>;
  undefine(name: string, graceMs: number): Promise<Outcome<void>>;
  settle(outcomes: readonly TaskOutcome[]): Promise<Outcome<void>>;
  hold(held: boolean): Promise<Outcome<void>>;
  pauseTasks(paused: boolean): Promise<Outcome<void>>;
  stopTasks(graceMs: number): Promise<Outcome<void>>;
  handlers(): Promise<Outcome<readonly HandlerRecord[]>>;
  tasks(
    query: TaskQuery,
    page: { readonly after?: TaskKey | undefined; readonly limit: number },
  ): Promise<Outcome<TaskPage>>;
  changeTasks(query: TaskQuery, change: TaskChange): Promise<Outcome<number>>;
  close(): Promise<Outcome<void>>;
  destroy(): Promise<Outcome<void>>;
}

/**
 * The page's side: the engine's listener, and what only the application knows. It stands at the same port as the worker's,
 * so that what the worker tells before it answers is heard before the answer.
 */
export interface PageSide {
  deliver(batch: readonly Delivery[]): Promise<Outcome<boolean>>;
  status(status: EngineStatus): Promise<Outcome<void>>;
  report(failure: FailureJson): Promise<Outcome<void>>;
  run(handler: string, tasks: readonly Task[], stored: readonly string[]): Promise<Outcome<void>>;
  drop(handler: string, failure: FailureJson): Promise<Outcome<void>>;
  finish(handler: string, graceMs: number): Promise<Outcome<void>>;
  keys(handler: string, events: readonly CloudEvent[]): Promise<Outcome<readonly (string | null)[]>>;
  alive(): Promise<Outcome<void>>;
  token(): Promise<Outcome<string | undefined>>;
}

/** Runs `work` and packs what becomes of it. Never rejects. */
export async function pack<Value>(work: () => Value | Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, failure: failureToJson(error) };
  }
}

/** The value, or the failure thrown again. */
export function unpack<Value>(outcome: Outcome<Value>): Value {
  if (outcome.ok) return outcome.value;
  throw failureFromJson(outcome.failure);
}
