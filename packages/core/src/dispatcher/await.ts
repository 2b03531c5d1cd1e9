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
/** How many ended ones may lie among those that wait, before they are sifted out. */
const waitingMin = 1024;

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
  /** Those without a bound of their own, oldest first, and some that have ended: taking these out one by one costs more. */
  let waiting: Run[] = [];
  let waitingMax = waitingMin;
  let now = 0;
  let ticking = false;

  const sift = (): void => {
    waiting = waiting.filter((run) => run.pending > 0 && !run.over);
    waitingMax = Math.max(waitingMin, 2 * waiting.length);
  };
  const tickLater = (): void => {
    ticking = waiting.length > 0;
    if (ticking) after(tickMs, tick);
  };
  const tick = (): void => {
    now += 1;
    sift();
    for (const run of waiting) {
      if (run.endsAt > now) break;
      giveUp(run, 'TimedOut', `it was awaited for ${awaitMs} ms`);
    }
    sift();
    tickLater();
  };

  const until = (run: Run, { timeoutMs, signal }: AwaitOptions): void => {
    const { type } = run;
    run.onEnd = settle;
    if (timeoutMs === undefined) {
      run.endsAt = now + awaitMs / tickMs + 1;
      if (waiting.push(run) > waitingMax) sift();
      if (!ticking) tickLater();
    }
    if (timeoutMs === undefined && signal === undefined) return;
    const cancel = (): void => giveUp(run, 'Cancelled', `"${type}" was given up`, signal?.reason);
    signal?.addEventListener('abort', cancel);
    const stop =
      timeoutMs === undefined
        ? undefined
        : after(timeoutMs, () => giveUp(run, 'TimedOut', `"${type}" was awaited for ${timeoutMs} ms`));
    run.onEnd = () => {
      stop?.();
      signal?.removeEventListener('abort', cancel);
      settle(run);
    };
  };

  return (type, data, options = {}) => {
    const { context, signal, timeoutMs, sequential, stopAtFirst } = options;
    try {
      need(timeoutMs === undefined || timeoutMs > 0, 'timeoutMs above 0', timeoutMs);
      if (signal?.aborted) throw new Failure('Cancelled', `"${type}" was given up before`, { cause: signal.reason });
      const run = createRun(type, true, context);
      if (sequential || stopAtFirst) {
        run.handOut = (boxes, offer) => void inSequence(run, boxes, offer, stopAtFirst);
      }
      registry.dispatch(type, data, run);
      if (run.pending > 0) {
        until(run, options);
        return new Promise((resolve, reject) => {
          run.resolve = resolve;
          run.reject = reject;
        });
      }
      const failure = failureOf(run);
      if (failure === undefined) return done;
      throw failure;
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

/** What is done when it returns needs no promise of its own. */
const done = Promise.resolve();

function settle(run: Run): void {
  const failure = failureOf(run);
  if (failure === undefined) run.resolve?.();
  else run.reject?.(failure);
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
    if (run.over || (stopAtFirst && run.failures !== undefined)) break;
  }
  release(run);
}
