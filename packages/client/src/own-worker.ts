// A worker of the application's own: Godwit's engine in it, and durable handlers beside the engine, off the page's thread.
import { expose, wrap } from 'comlink';
import { createHandle, shareEngine, worldOf, type EventDefinitions, type Runtime } from '@godwit/core';
import { checkHandling, invalid, type HandlingOptions } from './options.ts';
import type { PageSide, WorkerSide } from './worker/border.ts';
import { serveEngine } from './worker/serve.ts';

/** What an application's own worker is made of. Channels, relay and database are those of the page that starts it. */
export interface OwnWorkerOptions<Events extends EventDefinitions> extends HandlingOptions<Events> {
  /** Defines handlers. The runtime is the page's, seen from here: what is published here is published there. */
  readonly run: (runtime: Runtime<Events>) => void | Promise<void>;
}

/**
 * Serves the page that made this worker, and runs the application's handlers beside the engine. Called once, at the top of
 * the worker's file; the page hands that worker in as `worker`.
 *
 * @throws Failure `InvalidOptions`; where the worker's file lets that through, `createRuntime` rejects with `WorkerFailed`, and says why
 * @example
 * ```ts
 * // my-worker.ts
 * serveOwnWorker({ events, run: (runtime) => void runtime.handle('order.placed', 'send-receipt', sendReceipt) });
 * // the page
 * createRuntime({
 *   name: 'shop',
 *   events,
 *   worker: () => new Worker(new URL('./my-worker.ts', import.meta.url), { type: 'module' }),
 * });
 * ```
 */
export function serveOwnWorker<const Events extends EventDefinitions>(options: OwnWorkerOptions<Events>): void {
  // A caller without types may leave them out: what is missing then is the events.
  const { run, ...rest } = options ?? {};
  const logger = checkHandling(rest);
  if (typeof run !== 'function') throw invalid(`\`run\` is a function; got ${typeof run}`);
  const side: WorkerSide = serveEngine(globalThis, wrap<PageSide>(globalThis), {
    share: shareEngine,
    async started(engine, channels) {
      const world = worldOf(globalThis);
      await run(await createHandle({ ...rest, logger, engine, world, channels }));
    },
  });
  expose(side);
}
