// The tabs of a simulated device: one lock, and messages that may be late or lost. A frozen tab keeps its lock; a dead one does not.
import type { TabMessage, Tabs } from '../../ports/tabs.ts';
import type { Stop, World } from '../../ports/world.ts';
import type { Dice } from './dice.ts';
import type { Faults } from './faults.ts';
import type { Life } from './life.ts';

/** A device whose tabs share an election and hear each other. */
export interface SimTabsDevice {
  /** Opens a tab that lives this life. */
  tab(life: Life): Tabs;
}

/** The longest that a message is under way, in milliseconds. */
const lateMsMax = 4000;

interface Receiver {
  readonly life: Life;
  readonly hear: (message: TabMessage) => void;
}

interface Candidate {
  /** Runs the callback, and resolves when the lead has ended, however it did. */
  readonly lead: () => Promise<void>;
}

/** Makes a device without tabs. */
export function createSimTabs(parts: {
  readonly faults: Faults;
  readonly dice: Dice;
  readonly base: Pick<World, 'after'>;
}): SimTabsDevice {
  const { faults, dice, base } = parts;
  const receivers = new Set<Receiver>();
  const queue: Candidate[] = [];
  let isLed = false;
  /** Tabs that live, each with what ends with it. */
  const living = new Map<string, Promise<void>>();

  return { tab };

  function tab(life: Life): Tabs {
    const end = new AbortController();
    const listeners = new Set<(message: TabMessage) => void>();
    const receiver: Receiver = {
      life,
      hear(message) {
        for (const listener of listeners) listener(message);
      },
    };
    receivers.add(receiver);
    const ways = new Map<Receiver, Way>();
    life.onDeath(() => {
      // Whoever rests is woken by news, and finds its disk gone.
      for (const listener of listeners) life.onBurial(() => listener({ kind: 'grew', outbox: [] }));
      close();
    });

    return {
      exclusive: true,
      lead: (callback, signal) => life.gate(stand(callback, AbortSignal.any([signal, end.signal]), life)),
      announce(message) {
        if (end.signal.aborted || life.isDead()) return;
        const copy = structuredClone(message);
        for (const other of receivers) {
          if (other === receiver) continue;
          let way = ways.get(other);
          if (way === undefined) {
            way = createWay(other);
            ways.set(other, way);
          }
          way(copy);
        }
      },
      hear(listener) {
        const own = (message: TabMessage): void => listener(message);
        listeners.add(own);
        return (): void => void listeners.delete(own);
      },
      live(name) {
        if (!end.signal.aborted && !life.isDead()) {
          const ended = onAbort(end.signal).aborted;
          living.set(name, ended);
          void ended.then(() => living.delete(name));
        }
        return life.gate(Promise.resolve());
      },
      gone: (name, signal) => life.gate(isGone(name, signal)),
      close,
    } satisfies Tabs;

    function close(): void {
      receivers.delete(receiver);
      listeners.clear();
      end.abort();
    }
  }

  async function isGone(name: string, signal: AbortSignal): Promise<boolean> {
    const ended = living.get(name);
    if (ended === undefined) return true;
    const waiting = onAbort(signal);
    const answer = await Promise.race([ended.then(() => true), waiting.aborted.then(() => false)]);
    waiting.stop();
    return answer;
  }

  /** From one tab to another, messages keep their order. */
  function createWay({ life, hear }: Receiver): Way {
    const waiting: TabMessage[] = [];
    return (message) => {
      const kind = faults.strike('tabs.announce', ['tabs.message-lost', 'tabs.message-late', 'tabs.message-doubled']);
      if (kind === 'tabs.message-lost') return life.trouble();
      if (kind === 'tabs.message-doubled') {
        waiting.push(message);
        void Promise.resolve().then(() => arrive());
      }
      waiting.push(message);
      const arrive = (): void => {
        life.run(() => {
          // Whoever was late lets those behind it come before its own turn: they are all of this way, and in its order.
          const next = waiting.shift();
          if (next !== undefined) hear(next);
        });
      };
      if (kind !== 'tabs.message-late') void Promise.resolve().then(arrive);
      else {
        life.trouble();
        base.after(dice.whole(1, lateMsMax), arrive);
      }
    };
  }

  function stand(callback: () => Promise<void>, signal: AbortSignal, life: Life): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const candidate: Candidate = {
        async lead() {
          stopWaiting();
          const aborting = onAbort(signal);
          // A frozen tab holds the lock before it knows of it.
          const running = (async () => {
            await life.gate(Promise.resolve());
            return callback();
          })();
          running.then(resolve, reject);
          // A lead that ends by its signal is over for who waits for it, also when the callback goes on.
          await Promise.race([running.catch(() => undefined), aborting.aborted]);
          aborting.stop();
        },
      };
      const leave = (): void => {
        const at = queue.indexOf(candidate);
        if (at >= 0) queue.splice(at, 1);
        resolve();
      };
      const stopWaiting = (): void => signal.removeEventListener('abort', leave);
      signal.addEventListener('abort', leave, { once: true });
      queue.push(candidate);
      void next();
    });
  }

  async function next(): Promise<void> {
    if (isLed) return;
    isLed = true;
    await Promise.resolve();
    for (let candidate = queue.shift(); candidate !== undefined; candidate = queue.shift()) await candidate.lead();
    isLed = false;
  }
}

/** Sends one message. */
type Way = (message: TabMessage) => void;

function onAbort(signal: AbortSignal): { readonly aborted: Promise<void>; readonly stop: Stop } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = (): void => resolve();
  signal.addEventListener('abort', listener, { once: true });
  if (signal.aborted) resolve();
  return { aborted: promise, stop: () => signal.removeEventListener('abort', listener) };
}
