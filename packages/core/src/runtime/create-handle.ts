// The handle with its durable handlers in it from the start: on Node, in a worker of one's own, in one thread.
import type { EventDefinitions } from '../event/define.ts';
import { utf8Length } from '../event/json.ts';
import { openHandle, type HandleParts } from './open-handle.ts';
import type { Runtime } from './runtime.ts';
import { createTaskSide } from './tasks/task-side.ts';

/**
 * Starts the engine and answers the runtime over it.
 *
 * @throws Failure whatever kept the engine from starting
 */
export function createHandle<const Events extends EventDefinitions>(
  parts: HandleParts<Events>,
): Promise<Runtime<Events>> {
  return openHandle(parts, createTaskSide, utf8Length);
}
