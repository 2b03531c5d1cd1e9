// createRuntime: definitions, validation and handlers stay on this thread; the engine lives in a worker.
import { createHandle, worldOf, type EventDefinitions, type Runtime } from '@godwit/core';
import { createDefaultWorker } from '../default-worker.ts';
import { engineTasks } from '../options.ts';
import { databaseName } from '../storage/schema.ts';
import { checkOptions, type RuntimeOptions } from './options.ts';
import { createWorkerEngine } from './worker-engine.ts';

/**
 * Opens this tab's runtime: starts its worker, opens the user's log, and joins the other tabs. It does not wait for the
 * relay.
 *
 * @throws Failure `InvalidOptions`, `InvalidChannel`; `WorkerFailed` when the worker cannot be started (its message says
 * what to do); `Outdated` when a newer release has taken the database. Without a usable database it works in memory, and
 * `status.storage` says so.
 * @example
 * ```ts
 * const runtime = await createRuntime({ name: 'todos', user: 'alice', events, relay: '/', channels: ['list'] });
 * runtime.on('todo.added', ({ data }) => show(data.title));
 * await runtime.publish('todo.added', { title: 'fly' });
 * ```
 */
export async function createRuntime<const Events extends EventDefinitions>(
  options: RuntimeOptions<Events>,
): Promise<Runtime<Events>> {
  const { name, user, relay, channels } = checkOptions(options, globalThis.location?.href);
  const { token, credentials, durability, tasks, worker = createDefaultWorker } = options;
  const world = worldOf(globalThis);
  const database = databaseName(name, user);
  const engine = createWorkerEngine({
    worker,
    world,
    options: {
      name: database,
      relay,
      hasToken: token !== undefined,
      credentials,
      durability,
      channels,
      tasks: engineTasks(tasks),
      retention: options.retention,
      alive: `${database}:${world.id()}`,
    },
    token,
    // A server that renders the page may have none of these; it is told that it has no workers.
    locks: globalThis.navigator?.locks,
  });
  return createHandle({ logger: console, ...options, engine, world, channels: channels.map(([channel]) => channel) });
}
