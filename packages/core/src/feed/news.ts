// Waiting for news of a channel, each waiter with a timer of its own: the end of one wait is no news to the others.
import type { World } from '../ports/world.ts';

/** One waiter's watch. */
export interface Watch {
  /** Its time is up, or nobody waits any longer: there is nothing to wait for. */
  readonly isOver: boolean;
  /** What has come so far is about to be looked at. */
  clear(): void;
  /** Resolves with true at the next news, at once where some has come since `clear`; with false when it is over. */
  next(): Promise<boolean>;
  /** Lets go of it. */
  stop(): void;
}

/** Whom to tell that a channel has news. */
export interface News {
  /** Watches for `ms`; 0 is over at once. */
  watch(ms: number): Watch;
  /** There is news. */
  ring(): void;
  /** Every watch is over, now and later. */
  end(): void;
  /** How many watch. */
  readonly watching: number;
}

/** Makes it. It sets no timer while nobody watches. */
export function createNews(world: Pick<World, 'after'>): News {
  const watches = new Set<{ readonly ring: () => void; readonly end: () => void }>();
  let isEnded = false;

  return {
    watch(ms) {
      let isOver = ms <= 0 || isEnded;
      let isNews = false;
      let wake: (() => void) | undefined;
      const own = {
        ring() {
          isNews = true;
          wake?.();
        },
        end() {
          isOver = true;
          stop();
          wake?.();
        },
      };
      const stopTimer = isOver ? undefined : world.after(ms, own.end);
      if (!isOver) watches.add(own);
      const stop = (): void => {
        stopTimer?.();
        watches.delete(own);
      };
      return {
        get isOver() {
          return isOver;
        },
        clear: () => void (isNews = false),
        async next() {
          if (!isNews && !isOver) await new Promise<void>((resolve) => (wake = resolve));
          return isNews;
        },
        stop,
      };
    },
    ring() {
      for (const { ring } of watches) ring();
    },
    end() {
      isEnded = true;
      for (const { end } of watches) end();
    },
    get watching() {
      return watches.size;
    },
  };
}
