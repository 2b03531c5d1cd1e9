// A tab that somebody looks at asks the leader whether it lives: one that is frozen or hangs keeps its lock, and says nothing.
import type { Stop, World } from '../ports/world.ts';

/** Between two questions, in milliseconds: an idle pair of tabs exchanges three small messages a second. */
export const askMs = 600;

/** How many questions go unanswered before the leader is taken for gone: more than a busy disk or a long task costs. */
export const unansweredMax = 3;

/** Looks after a leader. */
export interface Heartbeat {
  /** Whether to ask. While it does not, it sets no timer. */
  set(isAsking: boolean): void;
  /** The leader lives. */
  heard(): void;
}

/**
 * Asks every {@link askMs}. Behind {@link unansweredMax} questions that nobody answered it calls `silent` instead, which says
 * whether that ends the asking.
 */
export function createHeartbeat(parts: {
  readonly world: Pick<World, 'after'>;
  readonly ask: () => void;
  readonly silent: () => boolean;
}): Heartbeat {
  const { world, ask, silent } = parts;
  let stop: Stop | undefined;
  // Counted by its own ticks: whoever was frozen has missed one, however long that was, and not a minute's worth of them.
  let unanswered = 0;

  return {
    set(isAsking) {
      if (isAsking === (stop !== undefined)) return;
      stop?.();
      unanswered = 0;
      stop = isAsking ? world.after(askMs, tick) : undefined;
    },
    heard() {
      unanswered = 0;
    },
  };

  function tick(): void {
    stop = world.after(askMs, tick);
    if (unanswered >= unansweredMax && silent()) return;
    unanswered += 1;
    ask();
  }
}
