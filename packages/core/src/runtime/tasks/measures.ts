// What telemetry is told of durable handlers: each batch and each run, what was committed, and how things stand.
import type { KnownHandler } from '../../durable/durable.ts';
import type { Task, TaskEnd, TaskOutcome } from '../../durable/task.ts';
import { failureFromJson } from '../../failure.ts';
import type { Observation, Span, Telemetry } from '../../ports/telemetry.ts';
import type { Stop, World } from '../../ports/world.ts';
import type { SchedulerState } from './types.ts';

/** Tells telemetry of one tab's durable handlers. */
export interface Measures {
  /** A batch was handed out: a span until all of it has ended. */
  begun(handler: string, tasks: readonly Task[]): void;
  ended(outcomes: readonly Pick<TaskOutcome, 'handler' | 'position'>[]): void;
  /** A handler's lease was lost, and with it whatever was under way. */
  dropped(handler: string): void;
  /** One run, in a span of its own: a root, linked to its batch's and to the publisher's. */
  run(task: Task, work: (span: Span) => TaskEnd | Promise<TaskEnd>): TaskEnd | Promise<TaskEnd>;
  /** What the engine has committed. */
  update(handlers: readonly KnownHandler[]): void;
  /** Takes the gauges back. */
  close(): void;
}

/** A batch that has not ended whole. */
interface Batch {
  readonly traceparent: string | undefined;
  readonly left: Set<number>;
  readonly end: () => void;
}

const states: readonly SchedulerState[] = ['held', 'running', 'paused', 'stopping', 'stopped'];

/** Registers the gauges. */
export function createMeasures(parts: {
  readonly telemetry: Telemetry;
  readonly world: Pick<World, 'now'>;
  readonly state: () => SchedulerState;
  /** When the oldest event was published that has a row and has not ended; undefined: there is none. */
  readonly oldest: (handler: string) => Promise<string | undefined>;
}): Measures {
  const { telemetry, world, state } = parts;
  const batches = new Map<string, Set<Batch>>();
  const batchOf = new WeakMap<Task, Batch>();
  /** What was last known of the handlers that this tab runs: whoever runs one tells of it, so that nobody tells twice. */
  let here = new Map<string, KnownHandler>();
  const oldest = new Map<string, string>();
  let isAsking = false;

  const observe = (of: (handler: KnownHandler) => number | undefined) => (): readonly Observation[] =>
    [...here.values()].flatMap((handler) => {
      const value = of(handler);
      return value === undefined ? [] : [{ value, attributes: { handler: handler.name } }];
    });
  const stops: readonly Stop[] = [
    telemetry.gauge('backlog', observe(backlogOf)),
    telemetry.gauge(
      'dead',
      observe(({ rows }) => rows.dead),
    ),
    telemetry.gauge(
      'oldest.age',
      observe((handler) => (backlogOf(handler) === 0 ? 0 : ageOf(handler.name))),
    ),
    telemetry.gauge('scheduler.state', () =>
      states.map((each) => ({ value: each === state() ? 1 : 0, attributes: { state: each } })),
    ),
  ];

  return {
    begun(handler, tasks) {
      if (tasks.length === 0) return;
      const over = Promise.withResolvers<void>();
      const attributes = { 'batch.size': tasks.length };
      void telemetry.watch({ name: 'process', parent: null, labels: { handler }, attributes }, (span) => {
        const left = new Set(tasks.map(({ position }) => position));
        const batch: Batch = { traceparent: span.traceparent, left, end: over.resolve };
        batches.set(handler, (batches.get(handler) ?? new Set()).add(batch));
        for (const task of tasks) batchOf.set(task, batch);
        return over.promise;
      });
    },
    ended(outcomes) {
      for (const { handler, position } of outcomes) {
        for (const batch of batches.get(handler) ?? []) if (batch.left.delete(position)) settle(handler, batch);
      }
    },
    dropped(handler) {
      for (const batch of batches.get(handler) ?? []) batch.end();
      batches.delete(handler);
    },
    run(task, work) {
      // A failed attempt is an outcome here, and a failure there.
      const ends = new WeakMap<object, TaskEnd>();
      const orFail = (end: TaskEnd): TaskEnd => {
        if (end.kind !== 'failed') return end;
        const failure = failureFromJson(end.failure);
        ends.set(failure, end);
        throw failure;
      };
      const endOf = (error: unknown): TaskEnd => {
        const end = typeof error === 'object' && error !== null ? ends.get(error) : undefined;
        if (end === undefined) throw error;
        return end;
      };
      const { handler, attempt, event } = task;
      const watched = {
        name: 'handle',
        event,
        links: [batchOf.get(task)?.traceparent],
        labels: { handler, 'handler.kind': 'durable' },
        attributes: { attempt },
      } as const;
      try {
        const end = telemetry.watch(watched, (span) => {
          const its = work(span);
          return its instanceof Promise ? its.then(orFail) : orFail(its);
        });
        return end instanceof Promise ? end.catch(endOf) : end;
      } catch (error) {
        return endOf(error);
      }
    },
    update(handlers) {
      const before = here;
      here = new Map(handlers.filter(({ isHere }) => isHere).map((handler) => [handler.name, handler]));
      for (const [name, now] of here) {
        const was = before.get(name);
        if (was !== undefined) count(was, now);
      }
      void askOldest();
    },
    close() {
      for (const stop of stops) stop();
      for (const handler of batches.keys()) for (const batch of batches.get(handler) ?? []) batch.end();
    },
  };

  function settle(handler: string, batch: Batch): void {
    if (batch.left.size > 0) return;
    batch.end();
    batches.get(handler)?.delete(batch);
  }

  function count(was: KnownHandler, now: KnownHandler): void {
    const { name: handler } = now;
    const add = (name: 'processed' | 'handled' | 'dropped', before: number, after: number, more = {}): void => {
      // Some totals step back when what was taken from the log is given back to it.
      if (after > before) telemetry.count(name, after - before, { handler, ...more });
    };
    add('processed', was.totals.passed, now.totals.passed);
    add('handled', was.totals.handled, now.totals.handled, { outcome: 'success' });
    add('handled', was.rows.dead, now.rows.dead, { outcome: 'failure' });
    for (const [reason, events] of Object.entries(now.totals.dropped))
      add('dropped', was.totals.dropped[reason] ?? 0, events, { reason });
  }

  /** Rows are on the disk: asked for once at a time, whenever something was committed. */
  async function askOldest(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    for (const [name, handler] of here) {
      const time = backlogOf(handler) === 0 ? undefined : await parts.oldest(name).catch(() => undefined);
      if (time === undefined) oldest.delete(name);
      else oldest.set(name, time);
    }
    isAsking = false;
  }

  function ageOf(handler: string): number | undefined {
    const at = Date.parse(oldest.get(handler) ?? '');
    return Number.isNaN(at) ? undefined : Math.max(0, (world.now() - at) / 1000);
  }
}

/** Events that were taken from the log and have not come to an end: in flight, waiting, blocked, deferred. */
function backlogOf({ totals, rows }: KnownHandler): number {
  const dropped = Object.values(totals.dropped).reduce((sum, events) => sum + events, 0);
  return Math.max(0, totals.passed - totals.handled - dropped - rows.dead);
}
