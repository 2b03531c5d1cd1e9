// handle: one attempt of one event, from its hooks to what it ended as.
import { afterFailure } from '../../durable/policy.ts';
import type { Task, TaskEnd } from '../../durable/task.ts';
import { causedBy } from '../../event/causation.ts';
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { EventDefinition } from '../../event/define.ts';
import { readEvent } from '../../event/read.ts';
import { Failure, failureToJson, toFailure } from '../../failure.ts';
import type { Span } from '../../ports/telemetry.ts';
import type { World } from '../../ports/world.ts';
import type { PublishOptions, Receipt } from '../publishing.ts';
import type { Delivered } from '../runtime.ts';
import type { Abort } from './abort.ts';
import type { HandlerDefinition } from './definition.ts';
import type { Measures } from './measures.ts';
import type { TaskContext, TaskHooks } from './types.ts';

/** Runs one attempt. Never throws or rejects. */
export type Attempt = (definition: HandlerDefinition, task: Task, abort: Abort) => TaskEnd | Promise<TaskEnd>;

/** Publishes an event, by whatever names it. */
export type AnyPublish = (event: string | EventDefinition, data: unknown, options: PublishOptions) => Promise<Receipt>;

/** Makes what runs attempts. */
export function createAttempt(parts: {
  readonly definitions: ReadonlyMap<string, EventDefinition<string, unknown, unknown>>;
  readonly world: World;
  readonly hooks: TaskHooks;
  readonly publish: AnyPublish;
  readonly measures: () => Measures | undefined;
  /** Hears of each failed attempt: whether it is final. */
  readonly failed: (failure: Failure, task: Task, isFinal: boolean) => void;
  readonly report: (failure: Failure) => void;
}): Attempt {
  const { definitions, world, hooks, report } = parts;
  const { beforeProcessing, beforeExecuting } = hooks;
  const hasHooks = beforeProcessing !== undefined || beforeExecuting !== undefined;

  const begin = (definition: HandlerDefinition, task: Task, abort: Abort, span?: Span): TaskEnd | Promise<TaskEnd> => {
    if (hasHooks) return settled(definition, task, abort, hooked(definition, task, abort, span), (end) => end);
    const called = call(definition, task, abort, task.event, span);
    return isThenable(called) ? settled(definition, task, abort, called, () => ({ kind: 'handled' })) : called;
  };

  return (definition, task, abort) => {
    const measures = parts.measures();
    if (measures === undefined) return begin(definition, task, abort);
    return measures.run(task, (span) => begin(definition, task, abort, span));
  };

  async function hooked(definition: HandlerDefinition, task: Task, abort: Abort, span?: Span): Promise<TaskEnd> {
    let event: CloudEvent = task.event;
    try {
      event = (await beforeProcessing?.(event)) ?? event;
      const { handler, attempt } = task;
      event = (await beforeExecuting?.(event, { handler, attempt, signal: abort.signal })) ?? event;
    } catch (error) {
      if (abort.signal.aborted) return { kind: 'returned' };
      const message = `a hook skipped the event ${task.event.id} for "${task.handler}": ${toFailure(error).message}`;
      const failure = new Failure('Cancelled', message, { cause: error });
      report(failure);
      return { kind: 'skipped', failure: failureToJson(failure) };
    }
    // The lease was lost, or the time was over, before the handler began.
    if (abort.signal.aborted) return { kind: 'returned' };
    const called = call(definition, task, abort, event, span);
    if (!isThenable(called)) return called;
    await called;
    return { kind: 'handled' };
  }

  /** How the attempt ended, or what it is still waiting for. */
  function call(
    definition: HandlerDefinition,
    task: Task,
    abort: Abort,
    event: CloudEvent,
    span: Span | undefined,
  ): TaskEnd | PromiseLike<unknown> {
    const reading = readEvent(definitions, event);
    if (reading.kind === 'deferred')
      return { kind: 'deferred', failure: failureToJson(reading.failure, { stack: false }) };
    // It will not become valid by trying again.
    if (reading.kind === 'invalid') return failed(definition, task, reading.failure, true);
    const { channel, offset, position } = task;
    const delivered: Delivered = { ...event, channel, offset, position, data: reading.data };
    try {
      const result = definition.call(delivered, new Context(task, abort, publishBy(event, abort, span)));
      return isThenable(result) ? result : { kind: 'handled' };
    } catch (error) {
      return failed(definition, task, error);
    }
  }

  /** What the handler publishes carries its cause, and nothing once the attempt is over. */
  function publishBy(event: CloudEvent, abort: Abort, span: Span | undefined): TaskContext<never>['publish'] {
    return async (type: never, ...[data, options]: readonly [data?: unknown, options?: PublishOptions]) => {
      abort.signal.throwIfAborted();
      return parts.publish(type, data, { ...causedBy(event), traceparent: span?.traceparent, ...options });
    };
  }

  function settled<Value>(
    definition: HandlerDefinition,
    task: Task,
    abort: Abort,
    called: PromiseLike<Value>,
    endOf: (value: Value) => TaskEnd,
  ): Promise<TaskEnd> {
    const { timeoutMs } = definition;
    const { signal } = abort;
    return new Promise((resolve) => {
      const late = (): void => {
        const failure = new Failure('TimedOut', `"${task.handler}" had not ended after ${timeoutMs} ms`);
        // First its failure: what it answers when it hears the signal comes too late.
        resolve(failed(definition, task, failure));
        abort.abort(failure);
      };
      const stopTimer = timeoutMs === undefined ? undefined : world.after(timeoutMs, late);
      // Whoever aborted it has said how it ended; what it answers now is passed over, also when it rejects.
      const over = (): void => {
        stopTimer?.();
        resolve({ kind: 'returned' });
      };
      const end = (outcome: () => TaskEnd): void => {
        if (signal.aborted) return;
        stopTimer?.();
        signal.removeEventListener('abort', over);
        resolve(outcome());
      };
      signal.addEventListener('abort', over, { once: true });
      // What only looks like a promise may throw when it is asked.
      Promise.resolve(called).then(
        (value) => end(() => endOf(value)),
        (error: unknown) => end(() => failed(definition, task, error)),
      );
    });
  }

  function failed(definition: HandlerDefinition, task: Task, thrown: unknown, isFinal = false): TaskEnd {
    const { handler, attempt, event } = task;
    const error = readable(thrown);
    const { maxErrors } = definition.spec;
    const failure = new Failure(
      error instanceof Failure ? error.name : 'HandlerFailed',
      `"${handler}" failed on the event ${event.id} of "${event.type}", attempt ${attempt} of ${maxErrors}: ${wordsOf(error).slice(0, wordsMax)}`,
      { cause: error, attempt },
    );
    if (error instanceof Error && typeof error.stack === 'string') failure.stack = error.stack.slice(0, wordsMax);
    const afterMs = isFinal
      ? null
      : afterFailure({ world, handler, error, attempt, maxErrors, backoff: definition.backoff, report });
    parts.failed(failure, task, afterMs === null);
    return { kind: 'failed', failure: failureToJson(failure), afterMs };
  }
}

/** What a handler is handed beside its event. */
class Context implements TaskContext<never> {
  readonly attempt: number;
  readonly handler: string;
  readonly publish: TaskContext<never>['publish'];
  readonly #abort: Abort;

  constructor({ attempt, handler }: Task, abort: Abort, publish: TaskContext<never>['publish']) {
    this.attempt = attempt;
    this.handler = handler;
    this.publish = publish;
    this.#abort = abort;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** How much of a failure's message, and of its stack, a row keeps, in characters: a page to read. */
const wordsMax = 4096;

/** Anything can be thrown, also what throws when it is looked at. */
function readable(thrown: unknown): unknown {
  try {
    wordsOf(thrown);
    if (thrown instanceof Error) void [thrown.name, thrown.stack];
    return thrown;
  } catch {
    return 'something that cannot be shown';
  }
}

function wordsOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error);
}
