// Whether the relay has what was published: asked of the device's log whenever something changed, while somebody waits.
import { Failure, failureFromJson } from '../failure.ts';
import type { Engine, OutcomeOf } from './engine.ts';

/** The most events that are asked of at once. */
const askedMax = 1000;

/** Who waits for the relay. */
export interface Relaying {
  /** Resolves when the relay has the event. @throws Failure what the relay refused it for; `Closed`; the signal's reason */
  relayed(item: OutcomeOf, signal?: AbortSignal): Promise<void>;
  /** Something changed: perhaps the relay answered. */
  changed(): void;
  /** Nobody will ever know: whoever waits hears why. */
  close(why: Failure): void;
}

interface Waiting extends OutcomeOf {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Makes one for a handle. */
export function createRelaying(engine: Pick<Engine, 'outcomes'>): Relaying {
  const waiting = new Set<Waiting>();
  let closed: Failure | undefined;
  let isAsking = false;
  let isStale = false;

  return {
    async relayed(item, signal) {
      signal?.throwIfAborted();
      if (closed !== undefined) throw closed;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const one: Waiting = { ...item, resolve, reject };
      const leave = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', leave, { once: true });
      waiting.add(one);
      void ask();
      try {
        await promise;
      } finally {
        waiting.delete(one);
        signal?.removeEventListener('abort', leave);
      }
    },
    changed: () => void ask(),
    close(why) {
      closed ??= why;
      for (const { reject } of waiting) reject(why);
      waiting.clear();
    },
  };

  async function ask(): Promise<void> {
    isStale = true;
    if (isAsking) return;
    isAsking = true;
    try {
      while (isStale && waiting.size > 0) {
        isStale = false;
        const all = [...waiting];
        for (let from = 0; from < all.length; from += askedMax) await askOf(all.slice(from, from + askedMax));
      }
    } catch {
      // The disk could not say. It is asked again at the next change, and a lost one closes this.
    } finally {
      isAsking = false;
    }
  }

  async function askOf(items: readonly Waiting[]): Promise<void> {
    const outcomes = await engine.outcomes(items.map(({ id, channel, position }) => ({ id, channel, position })));
    items.forEach((item, index) => {
      const outcome = outcomes[index] ?? null;
      if (outcome === null || !waiting.delete(item)) return;
      if (outcome === 'relayed') item.resolve();
      else item.reject(failureFromJson(outcome));
    });
  }
}
