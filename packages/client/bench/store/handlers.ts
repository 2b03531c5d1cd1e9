// Durable handlers under measurement: a backlog that one works off, and what the others need to come to rest.
import { RetryAfterError, type Runtime, type TaskRow } from '@godwit/core';
import { timed } from './measure.ts';
import { orderOf, burstEvents, type Shop } from './orders.ts';

/** So many days later nothing is due yet. */
const laterMs = 24 * 3_600_000;

/** Three durable handlers, as the burst has them. Resolves when they run. */
export async function defineThree(runtime: Runtime<Shop>): Promise<readonly string[]> {
  const names = ['send-receipt', 'update-stock', 'tell-warehouse'];
  for (const name of names) runtime.handle('order.placed', name, () => undefined);
  await until(runtime, () => names.every((name) => runtime.status.get().handlers[name]?.isHere === true));
  return names;
}

/** Publishes a burst, all of it in one tick. */
export async function burst(runtime: Runtime<Shop>): Promise<void> {
  const stored: Promise<unknown>[] = [];
  for (let n = 0; n < burstEvents; n += 1) stored.push(runtime.publish('order.placed', orderOf(n)));
  await Promise.all(stored);
}

/** Publishes so many events. */
export async function fill(runtime: Runtime<Shop>, events: number): Promise<void> {
  for (let stored = 0; stored < events; stored += burstEvents) await burst(runtime);
}

/** Waits until the handlers have committed that they handled so many events each. */
export function untilHandled(runtime: Runtime<Shop>, names: readonly string[], events: number): Promise<void> {
  return until(runtime, () => names.every((name) => handledBy(runtime, name) >= events));
}

/** A new handler works off a log of so many events: claims them, runs them, and commits that they are handled. */
export async function drainLog(runtime: Runtime<Shop>, name: string, events: number): Promise<number> {
  const begun = performance.now();
  const stop = runtime.handle('order.placed', name, () => undefined, { from: 'earliest' });
  await untilHandled(runtime, [name], events);
  const ms = performance.now() - begun;
  stop();
  return ms;
}

/** As before, but that every event has failed once: a row each, due at once, all of them. Answers the rows as well. */
export async function drainRows(
  runtime: Runtime<Shop>,
  name: string,
  events: number,
): Promise<{ readonly ms: number; readonly rows: readonly TaskRow[] }> {
  let fails = true;
  const handler = (): void => {
    if (fails) throw new RetryAfterError('not yet', laterMs);
  };
  const stop = runtime.handle('order.placed', name, handler, { from: 'earliest' });
  await until(runtime, () => runtime.status.get().handlers[name]?.rows.waiting === events);
  fails = false;
  runtime.tasks.pause();
  await runtime.tasks.retry({ handler: name });
  const { tasks: rows } = await runtime.tasks.list({ handler: name }, { limit: events });
  const ms = await timed(() => {
    runtime.tasks.resume();
    return untilHandled(runtime, [name], events);
  });
  stop();
  return { ms, rows };
}

function handledBy(runtime: Runtime<Shop>, name: string): number {
  return runtime.status.get().handlers[name]?.totals.handled ?? 0;
}

function until(runtime: Runtime<Shop>, isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isSo()) return;
      stop();
      resolve();
    };
    const stop = runtime.status.subscribe(look);
    look();
  });
}
