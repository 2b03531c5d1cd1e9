// The tabs of one device, in memory: the reference that every other Tabs is held against.
import type { TabMessage, Tabs } from '../ports/tabs.ts';
import type { Stop } from '../ports/world.ts';

/** A device whose tabs share an election and hear each other. */
export interface MemoryDevice {
  /** Opens another tab. */
  tab(): Tabs;
}

interface Candidate {
  /** The lead is its own until the promise settles. It never rejects. */
  readonly lead: () => Promise<void>;
  /** Another has taken the lead. */
  readonly rob: () => void;
}

/** Makes a device without tabs. */
export function createMemoryDevice(): MemoryDevice {
  const tabs = new Set<(message: TabMessage) => void>();
  const queue: Candidate[] = [];
  let holder: Candidate | undefined;
  /** Tabs that live, each with what ends with it. */
  const living = new Map<string, Promise<void>>();

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
        if (life.signal.aborted) return;
        const end = onAbort(life.signal).aborted;
        living.set(name, end);
        void end.then(() => living.delete(name));
      },
      async gone(name, signal) {
        const end = living.get(name);
        if (end === undefined) return true;
        const waiting = onAbort(signal);
        const isGone = await Promise.race([end.then(() => true), waiting.aborted.then(() => false)]);
        waiting.stop();
        return isGone;
      },
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
          const whenLost = onAbort(held);
          // Whoever was told to stop and does not still loses the lead: others must not wait for it.
          await Promise.race([running.catch(() => undefined), whenLost.aborted]);
          whenLost.stop();
        },
      };
      const leave = (): void => {
        if (queue.includes(candidate)) queue.splice(queue.indexOf(candidate), 1);
        resolve();
      };
      const stopWaiting = (): void => signal.removeEventListener('abort', leave);
      signal.addEventListener('abort', leave, { once: true });
      if (how === 'steal') void grant(candidate);
      else {
        queue.push(candidate);
        next();
      }
    });
  }

  function next(): void {
    const first = holder === undefined ? queue.shift() : undefined;
    if (first !== undefined) void grant(first);
  }

  async function grant(candidate: Candidate): Promise<void> {
    const before = holder;
    holder = candidate;
    before?.rob();
    // Even a lone tab waits a turn, as it would for the platform's lock.
    await Promise.resolve();
    await candidate.lead();
    if (holder !== candidate) return;
    holder = undefined;
    next();
  }
}

function onAbort(signal: AbortSignal): { readonly aborted: Promise<void>; readonly stop: Stop } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = (): void => resolve();
  signal.addEventListener('abort', listener, { once: true });
  if (signal.aborted) resolve();
  return { aborted: promise, stop: () => signal.removeEventListener('abort', listener) };
}
