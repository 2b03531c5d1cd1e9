// Work for N workers, bounded: a mailbox whose handler may run N times at once.
import { type AwaitOptions, withWaiting } from '../await.ts';
import type { HandlerCall } from '../call.ts';
import type { DispatcherOptions } from '../contract.ts';
import type { HandlerCounts } from '../counts.ts';
import { createDispatcher } from '../dispatcher.ts';
import { type AnyHandler, type CloseOptions, type HandlerOptions, needCount, needFunction } from '../options.ts';
import { rejectWhenFull } from '../overflow.ts';

/** How many tasks wait for a worker, unless said otherwise. */
export const processorCapacity = 1000;

/** What a processor is made with. */
export interface ProcessorOptions
  extends Pick<DispatcherOptions, 'world' | 'report'>, Pick<HandlerOptions<never>, 'capacity' | 'overflow'> {
  /** How many tasks run at the same time; 4 by default. */
  readonly workers?: number | undefined;
}

/** Tasks to workers. */
export interface Processor<Task> {
  /** Gives a task to the next free worker. Failures are reported. @throws Failure `Closed` */
  submit(task: Task): void;
  /** Resolves when the task is done. @throws Failure `DispatchFailed`, `TimedOut`, `Cancelled`, `Closed` */
  process(task: Task, options?: Pick<AwaitOptions, 'timeoutMs' | 'signal'>): Promise<void>;
  counts(): Readonly<HandlerCounts>;
  /** Takes nothing more, and resolves when all tasks are done, at most after `timeoutMs`. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Makes a processor. Tasks begin in the order in which they were submitted; one too many is refused with `QueueFull`,
 * unless `overflow` says otherwise.
 */
export function createProcessor<Task>(
  work: (task: Task, call: HandlerCall) => unknown,
  options?: ProcessorOptions,
): Processor<Task> {
  const { workers = 4, capacity = processorCapacity, overflow = rejectWhenFull } = options ?? {};
  needFunction(work);
  needCount(workers, 1, 'workers');
  const { on, dispatch, dispatchAndWait, counts, close } = withWaiting(createDispatcher(options));
  on('task', work as AnyHandler as () => void, {
    name: work.name || 'worker',
    concurrency: workers,
    capacity,
    overflow,
  });
  return {
    submit: (task) => dispatch('task', task),
    process: (task, options) => dispatchAndWait('task', task, options),
    counts: () => counts().total,
    close,
  };
}
