// createRuntime on Node: the same runtime as a page's, in one thread, over a file.
import { worldOf, type EventDefinitions, type Runtime } from '@godwit/core';
import { openInThread } from '../in-thread.ts';
import { createFetchLink } from '../link/link.ts';
import { checkOptions, type RuntimeOptions } from './options.ts';
import { inMemory } from './sqlite/database.ts';
import { openFile } from './sqlite/file.ts';
import { storeOn } from './sqlite/store.ts';

/**
 * Opens a runtime: opens the device's log, and joins the runtimes of this thread that have it open. It does not wait for
 * the relay.
 *
 * The process ends by itself when nothing is under way: nothing that is stored needs it. With a relay, the connection and
 * the tries to get one are under way until `close`, or `pause`.
 *
 * @throws Failure `InvalidOptions`, `InvalidChannel`; `StorageFailed` when the file cannot be opened, or another process
 * has it (its message says what to do); `Outdated` when a newer release has written it
 * @example
 * ```ts
 * const runtime = await createRuntime({ file: '.data/todos.sqlite', events, relay: 'http://127.0.0.1:8787' });
 * runtime.on('todo.added', ({ data }) => console.log(data.title));
 * await runtime.publish('todo.added', { title: 'fly' });
 * await runtime.close();
 * ```
 */
export async function createRuntime<const Events extends EventDefinitions>(
  options: RuntimeOptions<Events>,
): Promise<Runtime<Events>> {
  const checked = checkOptions(options);
  const { file = inMemory, durability, relay } = checked;
  const { token } = options;
  const world = worldOf(globalThis);
  const opened = openFile({ file, durability, deviceId: world.id() });
  return openInThread(options, checked, {
    store: storeOn(opened),
    storage: file === inMemory ? 'memory' : 'sqlite',
    tabs: opened.device.tab(),
    link: relay === undefined ? undefined : createFetchLink({ relay, fetch, world, token }),
    world,
  });
}
