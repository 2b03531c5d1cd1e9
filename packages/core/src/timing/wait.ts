// Waiting without leaks: for time, for a signal, for a nudge.
import type { World } from '../ports/world.ts';

/** Resolves after `ms`, or as soon as the signal aborts; the timer does not outlive it. */
export function pause(world: World, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = world.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Settles as `work` does, or resolves as soon as the signal aborts; then whatever comes of `work` is passed over. */
export async function orAborted<Value>(work: Value | Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  const settled = new AbortController();
  const abandoned = aborted(AbortSignal.any([signal, settled.signal])).then(() => undefined);
  try {
    return await Promise.race([work, abandoned]);
  } finally {
    settled.abort();
  }
}

/** A bell: whoever waits is woken by `ring`; a ring that nobody waited for wakes the next who does. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or at once when it rang since the last wait; also when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Makes a bell for one waiter at a time. */
export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    wait(signal) {
      return new Promise((resolve) => {
        const done = (): void => {
          rung = false;
          wake = undefined;
          signal.removeEventListener('abort', done);
          resolve();
        };
        if (rung || signal.aborted) return done();
        wake = done;
        signal.addEventListener('abort', done, { once: true });
      });
    },
  };
}
