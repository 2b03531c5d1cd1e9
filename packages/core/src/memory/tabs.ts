// The tabs of one device, in memory: the reference that every other Tabs is held against.
import type { TabMessage, Tabs } from '../ports/tabs.ts';
import { createLiving, untilAborted } from './living.ts';
import { createLock, type Candidate } from './lock.ts';

/** A device whose tabs share an election and hear each other. */
export interface MemoryDevice {
  /** Opens another tab. */
  tab(): Tabs;
}

/** Makes a device without tabs. */
export function createMemoryDevice(): MemoryDevice {
  const tabs = new Set<(message: TabMessage) => void>();
  const lock = createLock();
  const living = createLiving();

  return { tab };

  function tab(): Tabs {
    const life = new AbortController();
    const listeners = new Set<(message: TabMessage) => void>();
    tabs.add(receive);
    return {
      exclusive: true,
      lead: (callback, signal, how) => stand(callback, AbortSignal.any([signal, life.signal]), how),
      announce(message) {
        if (life.signal.aborted) return;
        // A copy, as between threads; later, as between threads; and in order, since promises are.
        const copy = structuredClone(message);
        for (const other of tabs) if (other !== receive) void Promise.resolve().then(() => other(copy));
      },
      hear(listener) {
        const own = (message: TabMessage): void => listener(message);
        listeners.add(own);
        return (): void => void listeners.delete(own);
      },
      async live(name) {
        if (!life.signal.aborted) living.live(name, life.signal);
      },
      gone: (name, signal) => living.gone(name, signal),
      close() {
        tabs.delete(receive);
        listeners.clear();
        life.abort();
      },
    } satisfies Tabs;

    function receive(message: TabMessage): void {
      for (const listener of listeners) listener(message);
    }
  }

  function stand(
    callback: (held: AbortSignal) => Promise<void>,
    signal: AbortSignal,
    how: 'wait' | 'steal' = 'wait',
  ): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const robbed = new AbortController();
      const held = AbortSignal.any([signal, robbed.signal]);
      const candidate: Candidate = {
        rob: () => robbed.abort(),
        async lead() {
          stopWaiting();
          if (held.aborted) return resolve();
          const running = (async () => callback(held))();
          running.then(resolve, reject);
          const whenLost = untilAborted(held);
          // Whoever was told to stop and does not still loses the lead: others must not wait for it.
          await Promise.race([running.catch(() => undefined), whenLost.aborted]);
          whenLost.stop();
        },
      };
      const leave = (): void => {
        lock.leave(candidate);
        resolve();
      };
      const stopWaiting = (): void => signal.removeEventListener('abort', leave);
      signal.addEventListener('abort', leave, { once: true });
      if (how === 'steal') lock.steal(candidate);
      else lock.wait(candidate);
    });
  }
}
