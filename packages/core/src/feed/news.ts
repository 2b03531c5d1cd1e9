// Waiting for news of a channel, each waiter with a timer of its own: the end of one wait is no news to the others.
import type { Stop, World } from '../ports/world.ts';

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
  /** Watches for `ms`, and no longer than to the wall clock's `until`; 0 is over at once. */
  watch(ms: number, until?: number): Watch;
  /** There is news. */
  ring(): void;
  /** Every watch is over, now and later. */
  end(): void;
  /** How many watch. */
  readonly watching: number;
}

/** Makes it. It sets no timer while nobody watches. */
export function createNews(world: Pick<World, 'now' | 'after'>): News {
  const watches = new Set<{ readonly ring: () => void; readonly end: () => void }>();
  let isEnded = false;

  return {
    watch(ms, until = Infinity) {
      let isOver = ms <= 0 || until <= world.now() || isEnded;
      let isNews = false;
      let wake: (() => void) | undefined;
      let stopTimer: Stop | undefined;
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
      const stop = (): void => {
        stopTimer?.();
        watches.delete(own);
      };
      // A platform's timer may be a little early, and the clock may be set back: it is looked at again.
      const wait = (leftMs: number): void => {
        const untilMs = until - world.now();
        if (leftMs <= 0 || untilMs <= 0) return own.end();
        const waitMs = Math.min(leftMs, untilMs);
        stopTimer = world.after(waitMs, () => wait(leftMs - waitMs));
      };
      if (!isOver) {
        watches.add(own);
        wait(ms);
      }
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
