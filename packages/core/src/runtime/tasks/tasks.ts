// The durable handlers of one tab, on the application's thread: defines them, runs what the engine claims, and shows what there is.
import type { KnownHandler } from '../../durable/durable.ts';
import type { TaskHost } from '../../durable/task.ts';
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { EventDefinition } from '../../event/define.ts';
import { readEvent } from '../../event/read.ts';
import { Failure, toFailure } from '../../failure.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import type { Stop, World } from '../../ports/world.ts';
import type { EngineStatus, TaskEngine } from '../engine.ts';
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
  update(status: Pick<EngineStatus, 'handlers' | 'tasksPaused'>): void;
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
  let known: readonly KnownHandler[] = [];
  let isHeld = options.start === false;
  let isPaused = false;
  let ending: 'stopping' | 'stopped' | undefined;
  const executor = createExecutor({
    workers: options.workers ?? workersDefault,
    after: world.after,
    attempt: parts.attempt,
    settle(outcomes) {
      measures?.ended(outcomes);
      ask(engine.settle(outcomes));
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

  return {
    host: {
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
        const key = handlers.get(handler)?.key;
        return events.map((event) => (key === undefined ? null : keyOf(handler, key, event)));
      },
      alive: () => undefined,
    },
    handle(pattern, name, handler, handleOptions) {
      const definition = defineHandler(pattern, name, handler, handleOptions, channels);
      if (handlers.has(name)) {
        throw new Failure(
          'InvalidOptions',
          `there is a durable handler "${name}" already; its name is what is stored of it, so each has its own`,
        );
      }
      const { signal } = handleOptions;
      if (signal?.aborted === true) return () => undefined;
      handlers.set(name, definition);
      executor.add(definition);
      // Behind the one before of this name, which may still be stopping.
      ask(engine.define(definition.spec));
      const stop = (): void => {
        if (!stops.delete(stop)) return;
        signal?.removeEventListener('abort', stop);
        handlers.delete(name);
        ask(engine.undefine(name, 0).then(() => handlers.has(name) || executor.remove(name)));
      };
      stops.add(stop);
      signal?.addEventListener('abort', stop, { once: true });
      return stop;
    },
    measures,
    handles: (type) => [...handlers.values()].some(({ wants }) => wants(type)),
    update(status) {
      known = status.handlers;
      measures?.update(known);
      if (isPaused === status.tasksPaused) return;
      isPaused = status.tasksPaused;
      changed();
    },
    get state() {
      return state();
    },
    async close() {
      if (ending === undefined && handlers.size > 0) await end(shutdownMs);
      measures?.close();
    },
    api: {
      get state() {
        return state();
      },
      start() {
        if (ending !== undefined) throw misused('started after its shutdown', 'create another runtime');
        if (!isHeld) throw misused('started twice', 'with `start: false` a runtime waits for the one start');
        isHeld = false;
        ask(engine.hold(false));
        changed();
      },
      pause: () => pause(true),
      resume: () => pause(false),
      async shutdown({ timeoutMs = shutdownMs } = {}) {
        if (ending !== undefined) throw misused('shut down twice', 'once is enough');
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
      list: (query = {}, { after, limit = pageSize } = {}) =>
        engine.tasks(query, { limit, ...(after === undefined || after === null ? {} : { after }) }),
      async count(query = {}) {
        let count = 0;
        let page = await engine.tasks(query, { limit: countMax });
        for (;;) {
          count += page.tasks.length;
          if (page.next === null) return count;
          page = await engine.tasks(query, { limit: countMax, after: page.next });
        }
      },
      retry: (query) => engine.changeTasks(query, 'retry'),
      discard: (query) => engine.changeTasks(query, 'discard'),
      cancel: (query) => engine.changeTasks(query, 'cancel'),
    },
  };

  function state(): SchedulerState {
    return ending ?? (isHeld ? 'held' : isPaused ? 'paused' : 'running');
  }

  function changed(): void {
    parts.changed(state());
  }

  function pause(paused: boolean): void {
    isPaused = paused;
    ask(engine.pauseTasks(paused));
    changed();
  }

  async function end(graceMs: number): Promise<void> {
    ending = 'stopping';
    changed();
    await engine.stopTasks(graceMs);
    ending = 'stopped';
    changed();
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
  function ask(asked: Promise<unknown>): void {
    asked.catch((error: unknown) => ending === undefined && report(toFailure(error)));
  }
}

/** How many rows one page of a count reads. */
const countMax = 1000;

function misused(what: string, cure: string): Failure {
  return new Failure('Misused', `the durable handlers were ${what}; ${cure}`);
}
