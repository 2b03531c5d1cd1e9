// Work for N workers, bounded: a mailbox whose handler may run N times at once.
import type { World } from '../../ports/world.ts';
import { ambientAfter, ambientReport } from '../ambient.ts';
import { createAwait, type AwaitOptions } from '../await.ts';
import type { HandlerCounts } from '../counts.ts';
import type { HandlerCall } from '../call.ts';
import { closeMs } from '../limits.ts';
import type { Overflow } from '../options.ts';
import { createRegistry, type RegistryOptions } from '../registry.ts';

/** How many tasks wait for a worker, unless said otherwise. */
export const processorCapacity = 1000;

/** What a processor is made with. */
export interface ProcessorOptions {
  /** How many tasks run at the same time; 4 by default. */
  readonly workers?: number | undefined;
  /** How many wait; {@link processorCapacity} by default. */
  readonly capacity?: number | undefined;
  /** What happens to one too many; `reject` by default. */
  readonly overflow?: Overflow | undefined;
  /** How many milliseconds one task may take. */
  readonly timeoutMs?: number | undefined;
  readonly world?: Pick<World, 'after'> | undefined;
  readonly report?: RegistryOptions['report'] | undefined;
}

/** Tasks to workers. */
export interface Processor<Task> {
  /** Gives a task to the next free worker. Failures are reported. @throws Failure `Closed` */
  submit(task: Task): void;
  /** Resolves when the task is done. @throws Failure `DispatchFailed`, `TimedOut`, `Cancelled`, `Closed` */
  process(task: Task, options?: Pick<AwaitOptions, 'timeoutMs' | 'signal'>): Promise<void>;
  counts(): Readonly<HandlerCounts>;
  /** Takes nothing more, and resolves when all tasks are done, at most after `timeoutMs`. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/** Makes a processor. Tasks begin in the order in which they were submitted. */
export function createProcessor<Task>(
  work: (task: Task, call: HandlerCall) => unknown,
  options: ProcessorOptions = {},
): Processor<Task> {
  const { workers = 4, capacity = processorCapacity, overflow = 'reject', timeoutMs, world, report } = options;
  const after = world?.after ?? ambientAfter;
  const registry = createRegistry({ after, report: report ?? ambientReport });
  registry.on('task', work, { name: work.name || 'worker', concurrency: workers, capacity, overflow, timeoutMs });
  const process = createAwait(registry, after);
  return {
    submit: (task) => registry.dispatch('task', task),
    process: (task, options) => process('task', task, options),
    counts: () => registry.counts().total,
    close: ({ timeoutMs = closeMs } = {}) => registry.close(timeoutMs),
  };
}
