// The tabs of one device by the platform's own means: a Web Lock elects, a BroadcastChannel tells.
import type { Stop, TabMessage, Tabs } from '@godwit/core';

/** What tabs are made of: `globalThis` has it, in a page and in a worker. */
export interface TabsPlatform {
  /** Absent on an insecure origin. */
  readonly navigator: { readonly locks?: Pick<LockManager, 'request'> };
  readonly BroadcastChannel: new (
    name: string,
  ) => Pick<BroadcastChannel, 'postMessage' | 'close' | 'addEventListener' | 'removeEventListener'>;
}

/** The version of the messages. Tabs of two releases may be open side by side. */
const messageVersion = 1;

/** Joins the tabs that share the database of this name: who shares a log shares an election. */
export function openTabs({ name, platform }: { readonly name: string; readonly platform: TabsPlatform }): Tabs {
  const { locks } = platform.navigator;
  const channel = new platform.BroadcastChannel(name);
  const life = new AbortController();

  return {
    exclusive: locks !== undefined,

    async lead(callback, signal, how) {
      const robbed = new AbortController();
      const held = AbortSignal.any([signal, life.signal, robbed.signal]);
      if (held.aborted) return;
      // Without locks each tab leads itself; an election that only seems to be one would lose events.
      if (locks === undefined) return callback(held);
      let running: Promise<void> | undefined;
      try {
        // One request, queued and held. Its signal ends the wait only, and a theft has none; what ends the lead is below.
        await locks.request(name, how === 'steal' ? { steal: true } : { signal: held }, () => {
          if (held.aborted) return undefined;
          running = callback(held);
          return Promise.race([running, whenAborted(held)]);
        });
      } catch (error) {
        // The wait was aborted; or the lock was stolen, which the platform tells its holder so.
        if (!isAbort(error)) throw error;
        robbed.abort();
      }
      // The lock is free by now; whoever led still has to finish.
      await running;
    },

    announce(message) {
      if (!life.signal.aborted) channel.postMessage({ v: messageVersion, message });
    },

    hear(listener): Stop {
      const onMessage = (event: MessageEvent<unknown>): void => {
        const message = messageOf(event.data);
        if (message !== undefined) listener(message);
      };
      channel.addEventListener('message', onMessage);
      return () => channel.removeEventListener('message', onMessage);
    },

    async live(tab) {
      if (locks === undefined || life.signal.aborted) return;
      const held = Promise.withResolvers<void>();
      // Let go when the tab closes, and by the platform when it ends.
      const holding = locks.request(lifeOf(name, tab), { signal: life.signal }, () => {
        held.resolve();
        return whenAborted(life.signal);
      });
      holding.catch(held.reject);
      await held.promise;
    },

    async gone(tab, signal) {
      const either = AbortSignal.any([signal, life.signal]);
      if (locks === undefined) await whenAborted(either);
      if (locks === undefined || either.aborted) return false;
      try {
        // Granted once nobody holds it, and let go at once; several may wait.
        await locks.request(lifeOf(name, tab), { mode: 'shared', signal: either }, () => undefined);
        return true;
      } catch (error) {
        if (!isAbort(error)) throw error;
        return false;
      }
    },

    close() {
      life.abort();
      channel.close();
    },
  } satisfies Tabs;
}

/** The lock that a tab holds for as long as it lives. */
function lifeOf(name: string, tab: string): string {
  return `${name}:tab:${tab}`;
}

/** A message of a version known here. Its kind may be a newer one's: whoever hears it passes that over. */
function messageOf(data: unknown): TabMessage | undefined {
  if (typeof data !== 'object' || data === null || !('v' in data) || data.v !== messageVersion) return undefined;
  // Only tabs of this origin can post here, and they post what `announce` takes.
  return 'message' in data ? (data.message as TabMessage) : undefined;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
