// The awaited dispatch: resolves when every handler has ended, and always within a bounded time.
import { Failure } from '../failure.ts';
import type { Mailbox } from './mailbox.ts';
import { need } from './options.ts';
import type { Registry, RegistryOptions } from './registry.ts';
import { createRun, failureOf, giveUp, release, type Run } from './run.ts';

/**
 * How long an awaited dispatch waits where nobody said: longer than any honest handler, and short enough that two
 * handlers that wait for each other are told so. It is checked once a second, with one timer for all.
 */
export const awaitMs = 30_000;
const tickMs = 1000;

/** How one event is dispatched. */
export interface DispatchOptions<Context = unknown> {
  /** What handlers get as `call.context`; by default the dispatcher's. */
  readonly context?: Context | undefined;
}

/** How an event is dispatched and awaited. */
export interface AwaitOptions<Context = unknown> extends DispatchOptions<Context> {
  /** How many milliseconds to wait; {@link awaitMs} by default. */
  readonly timeoutMs?: number | undefined;
  /** Gives up: what has not begun is taken back, what is running gets its signal aborted. */
  readonly signal?: AbortSignal | undefined;
  /** One handler after the other, in the order in which they were added. */
  readonly sequential?: boolean | undefined;
  /** One after the other, and none after the first that fails. */
  readonly stopAtFirst?: boolean | undefined;
}

/** Makes the awaited dispatch of a registry. */
export function createAwait(
  registry: Registry,
  after: RegistryOptions['after'],
): (type: string, data: unknown, options?: AwaitOptions) => Promise<void> {
  /** Those without a bound of their own, oldest first, by the tick that ends their time. */
  const waiting = new Map<Run, number>();
  let now = 0;
  let ticking = false;

  const tickLater = (): void => {
    ticking = waiting.size > 0;
    if (ticking) after(tickMs, tick);
  };
  const tick = (): void => {
    now += 1;
    for (const [run, end] of waiting) {
      if (end > now) break;
      giveUp(run, 'TimedOut', `it was awaited for ${awaitMs} ms`);
    }
    tickLater();
  };

  return async (type, data, { context, signal, timeoutMs, sequential, stopAtFirst } = {}) => {
    need(timeoutMs === undefined || timeoutMs > 0, 'timeoutMs above 0', timeoutMs);
    if (signal?.aborted) throw new Failure('Cancelled', `"${type}" was given up before`, { cause: signal.reason });
    const run = createRun(true, context);
    if (sequential || stopAtFirst) {
      run.handOut = (boxes, offer) => void inSequence(run, boxes, offer, stopAtFirst);
    }
    registry.dispatch(type, data, run);
    if (run.pending > 0) {
      await new Promise<void>((resolve, reject) => {
        const cancel = (): void => giveUp(run, 'Cancelled', `"${type}" was given up`, signal?.reason);
        const stop =
          timeoutMs === undefined
            ? () => waiting.delete(run)
            : after(timeoutMs, () => giveUp(run, 'TimedOut', `"${type}" was awaited for ${timeoutMs} ms`));
        const end = (): void => {
          if (run.pending > 0 && !run.over) return;
          stop();
          signal?.removeEventListener('abort', cancel);
          resolve();
        };
        if (timeoutMs === undefined) {
          waiting.set(run, now + awaitMs / tickMs + 1);
          if (!ticking) tickLater();
        }
        signal?.addEventListener('abort', cancel);
        run.onEnd = end;
        run.onGiveUp = reject;
      });
    }
    const failure = failureOf(run, type);
    if (failure !== undefined) throw failure;
  };
}

async function inSequence(
  run: Run,
  boxes: readonly Mailbox[],
  offer: (box: Mailbox) => void,
  stopAtFirst: boolean | undefined,
): Promise<void> {
  for (const box of boxes) {
    offer(box);
    // 1 is the handing out itself.
    if (run.pending > 1 && !run.over) {
      await new Promise<void>((resolve) => {
        run.onStep = () => {
          if (run.pending === 1 || run.over) resolve();
        };
      });
    }
    if (run.over || (stopAtFirst && run.failures.length > 0)) break;
  }
  release(run);
}
