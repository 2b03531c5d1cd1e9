// The durable handlers' half of a handle, put together: what an application's thread loads before it runs the first of them.
import type { EventDefinition } from '../../event/define.ts';
import type { Tell } from '../../ports/logger.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import type { World } from '../../ports/world.ts';
import type { TaskEngine } from '../engine.ts';
import { createAttempt, type AnyPublish } from './attempt.ts';
import { createTasks, type TaskSide } from './tasks.ts';
import type { SchedulerState, TaskOptions } from './types.ts';

/** What durable handlers need of the handle that they are part of. */
export interface TaskSideParts {
  readonly engine: TaskEngine;
  readonly definitions: ReadonlyMap<string, EventDefinition<string, unknown, unknown>>;
  readonly options: TaskOptions;
  readonly channels: ReadonlySet<string>;
  readonly world: World;
  readonly publish: AnyPublish;
  readonly telemetry: Telemetry | undefined;
  readonly report: Tell;
  readonly changed: (state: SchedulerState) => void;
}

/** Makes the half. */
export type MakeTaskSide = (parts: TaskSideParts) => TaskSide;

/** Makes all of it at once. */
export const createTaskSide: MakeTaskSide = (parts) => {
  const { definitions, world, options, publish, report } = parts;
  const side: TaskSide = createTasks({
    ...parts,
    attempt: createAttempt({
      definitions,
      world,
      hooks: options.hooks ?? {},
      publish,
      measures: () => side.measures,
      failed: (failure, { handler, attempt }, isFinal) =>
        report(failure, { handler, attempt }, isFinal ? 'error' : 'warn'),
      report,
    }),
  });
  return side;
};
