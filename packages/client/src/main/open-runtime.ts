// Opens the runtime over a worker: definitions, validation and handlers stay on this thread; the engine lives there.
import {
  lazyTaskSide,
  openHandle,
  worldOf,
  type EventDefinitions,
  type MakeTaskSide,
  type Runtime,
} from '@godwit/core';
import { createDefaultWorker } from '../default-worker.ts';
import { engineTasks } from '../options.ts';
import { databaseName } from '../storage/schema.ts';
import { measure } from './measure.ts';
import type { CheckedOptions, RuntimeOptions } from './options.ts';
import { startWorker, type StartedWorker } from './start-worker.ts';
import { createWorkerEngine } from './worker-engine.ts';

const loadTasks = async (): Promise<MakeTaskSide> => (await import('@godwit/core/tasks')).createTaskSide;

/** Opens the runtime over `first`, and over others once that ends. */
export async function openRuntime<const Events extends EventDefinitions>(
  options: RuntimeOptions<Events>,
  { name, user, relay, channels, retention, outbox, logger }: CheckedOptions,
  first: StartedWorker,
): Promise<Runtime<Events>> {
  const { token, credentials, durability, tasks, telemetry, worker = createDefaultWorker } = options;
  const world = worldOf(globalThis);
  const database = databaseName(name, user);
  const engine = createWorkerEngine({
    first,
    worker: () => startWorker(worker),
    world,
    options: {
      name: database,
      relay,
      hasToken: token !== undefined,
      credentials,
      durability,
      channels,
      tasks: engineTasks(tasks),
      retention,
      outbox,
      alive: `${database}:${world.id()}`,
    },
    token,
    page: globalThis.document,
    locks: globalThis.navigator?.locks,
    window: globalThis,
    signal: options.signal,
  });
  // Granted or not, the log is used the same; a browser that has no such thing keeps it for as long as it pleases.
  if (options.persist === true) void globalThis.navigator?.storage?.persist?.().catch(() => undefined);
  // Whoever says how durable handlers run, or measures them, has some.
  const makeTasks = tasks === undefined && telemetry === undefined ? lazyTaskSide(loadTasks) : await loadTasks();
  return openHandle(
    { ...options, logger, engine, world, channels: channels.map(([channel]) => channel) },
    makeTasks,
    measure,
  );
}
