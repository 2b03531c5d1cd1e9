// The durable handlers of one tab, on the application's thread: defines them, runs what the engine claims, and shows what there is.
import type { KnownHandler } from '../../durable/durable.ts';
import type { TaskHost } from '../../durable/task.ts';
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { EventDefinition } from '../../event/define.ts';
import { readEvent } from '../../event/read.ts';
import { Failure, failureToJson, textOf, toFailure } from '../../failure.ts';
import { taskStates, type TaskChange, type TaskQuery } from '../../ports/tasks.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import type { Stop, World } from '../../ports/world.ts';
import type { EngineStatus, TaskEngine } from '../engine.ts';
import { given, need } from '../given.ts';
import type { Delivered } from '../runtime.ts';
import type { Attempt } from './attempt.ts';
import { defineHandler, type AnyTaskHandler, type HandlerDefinition } from './definition.ts';
import { createMeasures, type Measures } from './measures.ts';
import { createExecutor, workersDefault } from './executor.ts';
import { shutdownMs, type HandleOptions, type SchedulerState, type TaskOptions, type Tasks } from './types.ts';

/** Tasks, and what the handle needs of them. */
export interface TaskSide {
  readonly api: Tasks;
  readonly state: SchedulerState;
  /** What the engine calls. */
  readonly host: TaskHost;
  handle(pattern: string, name: string, handler: AnyTaskHandler, options: HandleOptions<never>): Stop;
  readonly measures: Measures | undefined;
  /** Whether a durable handler of this tab handles this type. */
  handles(type: string): boolean;
  /** The engine says how things stand. */
  update(status: Pick<EngineStatus, 'handlers' | 'tasksPaused' | 'connection'>): void;
  /** Stops whatever runs. */
  close(): Promise<void>;
}

/** How many tasks a page of `list` has, unless said otherwise. */
const pageSize = 100;

/** Makes a tab's tasks. */
export function createTasks(parts: {
  readonly engine: TaskEngine;
  readonly definitions: ReadonlyMap<string, EventDefinition<string, unknown, unknown>>;
  readonly options: TaskOptions;
  readonly channels: ReadonlySet<string>;
  readonly world: World;
  readonly attempt: Attempt;
  readonly telemetry: Telemetry | undefined;
  readonly report: (failure: Failure) => void;
  readonly changed: (state: SchedulerState) => void;
}): TaskSide {
  const { engine, options, channels, world, report } = parts;
  const handlers = new Map<string, HandlerDefinition>();
  const stops = new Set<Stop>();
  /** Of those that are still being stopped, too. */
  const keys = new Map<string, HandlerDefinition['key']>();
  const stopping = new Map<string, Promise<unknown>>();
  const life = new AbortController();
  let known: readonly KnownHandler[] = [];
  let isHeld = options.start === false;
  let isPaused = false;
  let ending: 'stopping' | 'stopped' | undefined;
  let isLost = false;
  const executor = createExecutor({
    workers: options.workers ?? workersDefault,
    after: world.after,
    attempt: parts.attempt,
    settle(outcomes) {
      measures?.ended(outcomes);
      void ask(engine.settle(outcomes));
    },
  });
  const { telemetry } = parts;
  const measures =
    telemetry &&
    createMeasures({
      telemetry,
      world,
      state,
      oldest: async (handler) =>
        (await engine.tasks({ handler, states: ['waiting', 'blocked', 'running'] }, { limit: 1 })).tasks[0]?.event.time,
    });

  const host = {
    run(handler, tasks, stored) {
      measures?.begun(handler, tasks);
      return executor.run(handler, tasks, stored);
    },
    drop(handler, failure) {
      measures?.dropped(handler);
      return executor.drop(handler, failure);
    },
    finish: executor.finish,
    keys: (handler, events) => {
      const key = keys.get(handler);
      return events.map((event) => (key === undefined ? null : keyOf(handler, key, event)));
    },
    alive: () => undefined,
  } satisfies TaskHost;

  return {
    host,
    handle(pattern, name, handler, handleOptions) {
      const definition = defineHandler(pattern, name, handler, handleOptions, channels);
      if (handlers.has(name)) {
        throw new Failure(
          'InvalidOptions',
          `there is a durable handler "${name}" already; its name is what is stored of it, so each has its own`,
        );
      }
      assertAlive(`shut down before "${name}" was defined`, 'create another runtime');
      const { signal } = handleOptions;
      if (signal?.aborted === true) return () => undefined;
      handlers.set(name, definition);
      keys.set(name, definition.key);
      // Behind the one before of this name, which may still be stopping: what it still claims is not run here.
      const begin = (): unknown => handlers.get(name) === definition && executor.add(definition);
      const before = stopping.get(name);
      if (before === undefined) begin();
      else void before.then(begin);
      void ask(engine.define(definition.spec));
      const stop = (): void => {
        if (!stops.delete(stop)) return;
        signal?.removeEventListener('abort', stop);
        handlers.delete(name);
        const stopped = ask(engine.undefine(name, 0));
        stopping.set(name, stopped);
        void forget(name, stopped);
        executor.remove(name);
      };
      stops.add(stop);
      signal?.addEventListener('abort', stop, { once: true, signal: life.signal });
      return stop;
    },
    measures,
    handles: (type) => [...handlers.values()].some(({ wants }) => wants(type)),
    update(status) {
      known = status.handlers;
      measures?.update(known);
      if (status.connection === 'closed') return lost();
      if (isPaused !== status.tasksPaused) setPaused(status.tasksPaused);
    },
    get state() {
      return state();
    },
    async close() {
      try {
        if (ending !== 'stopped' && handlers.size > 0) await end(shutdownMs);
      } catch (error) {
        // What the handlers hold must not keep the rest from being closed.
        report(toFailure(error));
      } finally {
        life.abort();
        measures?.close();
      }
    },
    api: {
      get state() {
        return state();
      },
      start() {
        assertAlive('started after its shutdown', 'create another runtime');
        if (!isHeld) throw misused('started twice', 'with `start: false` a runtime waits for the one start');
        isHeld = false;
        void ask(engine.hold(false));
        changed();
      },
      pause: () => pause(true),
      resume: () => pause(false),
      async shutdown(options = {}) {
        const { timeoutMs = shutdownMs } = given(options);
        need(timeoutMs >= 0, 'a shutdown has a timeoutMs of at least 0', timeoutMs);
        assertAlive('shut down twice', 'once is enough');
        if (isHeld) throw misused('shut down before their start', 'close the runtime instead');
        await end(timeoutMs);
      },
      async handlers() {
        const here = new Map(known.map((handler) => [handler.name, handler]));
        return (await engine.handlers()).map(({ name, definedAt, rows, due, totals }) => ({
          name,
          definedAt,
          rows,
          due,
          totals,
          isDefined: handlers.has(name),
          isHere: here.get(name)?.isHere === true,
        }));
      },
      async list(query = {}, page = {}) {
        const { after, limit = pageSize } = given(page);
        need(Number.isInteger(limit) && limit >= 1, 'a page of tasks has a limit of at least 1, a whole number', limit);
        // What one store would take for a place, another could not look for.
        const isKey = after == null || (typeof after.handler === 'string' && Number.isInteger(after.position));
        need(isKey, 'a page of tasks begins behind a `next`', after);
        return engine.tasks(checked(query), { limit, after: after ?? undefined });
      },
      async count(query = {}) {
        const { handler, states = taskStates, type, position } = checked(query);
        let count = 0;
        // What is counted already need not be read: of thousands of dead letters each holds its event.
        if (type === undefined && position === undefined) {
          for (const { name, rows } of await engine.handlers()) {
            if (handler === undefined || name === handler) for (const state of new Set(states)) count += rows[state];
          }
          return count;
        }
        let page = await engine.tasks(query, { limit: countMax });
        for (;;) {
          count += page.tasks.length;
          if (page.next === null) return count;
          page = await engine.tasks(query, { limit: countMax, after: page.next });
        }
      },
      retry: async (query) => engine.changeTasks(chosen(query, 'retry'), 'retry'),
      discard: async (query) => engine.changeTasks(chosen(query, 'discard'), 'discard'),
      cancel: async (query) => engine.changeTasks(chosen(query, 'cancel'), 'cancel'),
    },
  };

  function state(): SchedulerState {
    return ending ?? (isHeld ? 'held' : isPaused ? 'paused' : 'running');
  }

  function changed(): void {
    parts.changed(state());
  }

  function pause(paused: boolean): void {
    void ask(engine.pauseTasks(paused));
    setPaused(paused);
  }

  function setPaused(paused: boolean): void {
    isPaused = paused;
    executor.pause(paused);
    changed();
  }

  /** Another tab goes on with what this one held: whatever runs here counts no more. */
  function lost(): void {
    if (ending === 'stopped') return;
    ending = 'stopped';
    isLost = true;
    const failure = new Failure('Fenced', "the device's log is lost to this tab; what its handlers do counts no more");
    for (const name of handlers.keys()) void host.drop(name, failureToJson(failure, { stack: false }));
    changed();
  }

  function assertAlive(what: string, cure: string): void {
    if (isLost) throw new Failure('Closed', "the device's log is lost to this tab; create another runtime");
    if (ending !== undefined) throw misused(what, cure);
  }

  async function forget(name: string, stopped: Promise<unknown>): Promise<void> {
    await stopped;
    if (stopping.get(name) !== stopped) return;
    stopping.delete(name);
    if (!handlers.has(name)) keys.delete(name);
  }

  async function end(graceMs: number): Promise<void> {
    ending = 'stopping';
    changed();
    try {
      await engine.stopTasks(graceMs);
    } finally {
      ending = 'stopped';
      changed();
    }
  }

  /** An event that is not understood yet, or whose key cannot be told, has none. */
  function keyOf(handler: string, keyOfEvent: (event: Delivered) => unknown, event: CloudEvent): string | null {
    const reading = readEvent(parts.definitions, event);
    if (reading.kind !== 'event') return null;
    let cause: unknown;
    let got: string;
    try {
      const key = keyOfEvent({ channel: '', offset: null, position: null, ...event, data: reading.data });
      if (typeof key === 'string' || key === null) return key;
      got = typeof key;
    } catch (error) {
      cause = error;
      got = `an error: ${toFailure(error).message}`;
    }
    const message = `the key of "${handler}" answered ${got}; expected a string or null, so the event ${event.id} has none`;
    report(new Failure('InvalidOptions', message, { cause }));
    return null;
  }

  /** What nobody awaits. */
  function ask(asked: Promise<unknown>): Promise<unknown> {
    return asked.catch((error: unknown) => ending === undefined && report(toFailure(error)));
  }
}

/** What a query may say, and what tells whether it makes sense. */
const chosenBy: Readonly<Record<string, (value: unknown) => boolean>> = {
  handler: (value) => typeof value === 'string',
  type: (value) => typeof value === 'string',
  states: (value) => Array.isArray(value) && value.every((state) => taskStates.includes(state)),
  position: Number.isInteger,
};

/** A word that says nothing would choose every task, and `discard` them; a list or a date has no word at all. */
function checked(query: TaskQuery): TaskQuery {
  const words = Object.keys(chosenBy).join('`, `');
  const what = `tasks are chosen by \`${words}\`, and \`states\` is a list of ${taskStates.join(', ')}`;
  need(isPlain(query), what, query);
  for (const [word, value] of Object.entries(query)) {
    need(value === undefined || chosenBy[word]?.(value) === true, what, `\`${word}\`: ${textOf(value)}`);
  }
  need(query.position === undefined || query.handler !== undefined, what, 'a position without its handler');
  return query;
}

/** A word that is undefined says nothing either. Who only looks may mean that; who changes tasks is asked first. */
function chosen(query: TaskQuery, change: TaskChange): TaskQuery {
  if (!isPlain(query)) {
    throw refused(`tasks.${change} needs to be told which tasks; got ${textOf(query)}, and {} is all of them`);
  }
  const [unsaid] = Object.entries(query).find(([, value]) => value === undefined) ?? [];
  if (unsaid === undefined) return checked(query);
  throw refused(
    `tasks.${change} was told that \`${unsaid}\` is undefined, which would choose whatever it is; leave it out if that is meant`,
  );
}

function isPlain(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Object]';
}

function refused(why: string): Failure {
  return new Failure('InvalidOptions', why);
}

/** How many rows one page of a count reads. */
const countMax = 1000;

function misused(what: string, cure: string): Failure {
  return new Failure('Misused', `the durable handlers were ${what}; ${cure}`);
}
