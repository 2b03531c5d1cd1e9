// createRuntime: what a page loads at import. It starts the worker, and loads the handle while the worker loads.
import { Failure, toFailure, type EventDefinitions, type Runtime } from '@godwit/core';
import { createDefaultWorker } from '../default-worker.ts';
import { checkOptions, type RuntimeOptions } from './options.ts';
import { untilShown } from './page-life.ts';
import { startWorker } from './start-worker.ts';
import { workerFailed } from './worker-failed.ts';

/**
 * Opens this tab's runtime: starts its worker, opens the user's log, and joins the other tabs. It does not wait for the
 * relay. In a page that is prerendered it waits until somebody looks at that page.
 *
 * @throws Failure `InvalidOptions`, `InvalidChannel`; `WorkerFailed` when the worker cannot be started (its message says
 * what to do); `Unreachable` when a part of this package cannot be loaded; `Outdated` when a newer release has taken the
 * database; `StorageFailed` when the log is deleted in the midst of it, so try again; `Closed` when `signal` aborts before it is
 * open, at once. Without a usable database it works in memory, and `status.storage` says so.
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
  const checked = checkOptions(options, globalThis.location?.href);
  const { worker = createDefaultWorker, signal } = options;
  await untilShown(signal);
  if (signal?.aborted === true) throw toFailure(signal.reason, 'Closed');
  const first = begun(worker);
  try {
    const openRuntime = await part(async () => (await import('./open-runtime.ts')).openRuntime);
    return await openRuntime(options, checked, first);
  } catch (error) {
    first.worker.terminate();
    throw error;
  }
}

function begun(worker: () => Worker): ReturnType<typeof startWorker> {
  try {
    return startWorker(worker);
  } catch (error) {
    throw workerFailed(error instanceof Error ? error.message : String(error), error);
  }
}

/** Loads a part of this package. */
async function part<Part>(load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (error) {
    const why =
      'a part of @godwit/client could not be loaded; is the network there, and the page\u2019s release still served?';
    throw new Failure('Unreachable', why, { cause: error });
  }
}
