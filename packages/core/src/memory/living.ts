// Which tabs of one device live, by name: each until its signal aborts.
import type { Stop } from '../ports/world.ts';

/** The tabs that live. */
export interface Living {
  live(name: string, until: AbortSignal): void;
  /** Resolves with true once no tab of this name lives, and with false when the signal aborts. */
  gone(name: string, signal: AbortSignal): Promise<boolean>;
}

/** Makes a device on which none does. */
export function createLiving(): Living {
  const ends = new Map<string, Promise<void>>();
  return {
    live(name, until) {
      const end = untilAborted(until).aborted;
      ends.set(name, end);
      void end.then(() => ends.delete(name));
    },
    async gone(name, signal) {
      const end = ends.get(name);
      if (end === undefined) return true;
      const waiting = untilAborted(signal);
      const isGone = await Promise.race([end.then(() => true), waiting.aborted.then(() => false)]);
      waiting.stop();
      return isGone;
    },
  };
}

/** Waits until a signal aborts, or until nobody wants to know any more: on a signal that outlives many waits nothing stays. */
export function untilAborted(signal: AbortSignal): { readonly aborted: Promise<void>; readonly stop: Stop } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = (): void => resolve();
  signal.addEventListener('abort', listener, { once: true });
  if (signal.aborted) resolve();
  return { aborted: promise, stop: () => signal.removeEventListener('abort', listener) };
}
