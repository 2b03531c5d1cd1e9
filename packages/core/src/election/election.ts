// Who of a device's tabs talks to the relay: whoever holds the lock, while it lives. Of a leader that froze or hangs, a tab in sight takes it.
import { toFailure, type Failure } from '../failure.ts';
import { createBackoff } from '../timing/backoff.ts';
import { pause } from '../timing/wait.ts';
import type { TabMessage, Tabs } from '../ports/tabs.ts';
import type { Stop, World } from '../ports/world.ts';
import { watchClock } from './clock.ts';
import { createHeartbeat } from './heartbeat.ts';

/** A tab's part in the election. */
export interface Election {
  /** Takes what it needs of a message. False: a leader of the past has said it, and its news are none. */
  hear(message: TabMessage): boolean;
  /** Whether somebody looks at this tab: such a one does not wait for a leader that has gone silent. */
  setVisible(isVisible: boolean): void;
  /** The newest that was heard of; this tab's own while it leads. */
  readonly term: number;
  /** Resolves when the signal has aborted and leading has ended. */
  readonly ended: Promise<void>;
}

/**
 * Stands for election until the signal aborts. `lead` runs while this tab leads, each time in a higher term; its signal
 * aborts when it must stop: another tab has stolen the lead, or leads in a higher term.
 *
 * When `lead` fails, that is reported, and the tab stands again after a while, behind the others. A leader whose clock
 * jumped was frozen or asleep: what it holds in memory is old, so it lets go and stands again, behind the others too.
 *
 * A tab that has stolen steals again only once a leader has answered it: one that hears nobody, or that nobody hears,
 * would otherwise rob the others for ever.
 */
export function standForElection(parts: {
  readonly tabs: Tabs;
  readonly world: World;
  readonly lead: (held: AbortSignal, term: number) => Promise<void>;
  readonly report: (failure: Failure) => void;
  readonly signal: AbortSignal;
}): Election {
  const { tabs, world, lead, report, signal } = parts;
  const backoff = createBackoff(world);
  let term = 0;
  let isVisible = false;
  let isAnswered = true;
  let how: 'wait' | 'steal' = 'wait';
  /** While this tab leads: stops that. */
  let resign: (() => void) | undefined;
  /** While it waits for the lead: stops that. */
  let leave: (() => void) | undefined;
  const heartbeat = createHeartbeat({
    world,
    ask: () => tabs.announce({ kind: 'ask', term }),
    silent() {
      if (!isAnswered) return false;
      isAnswered = false;
      how = 'steal';
      leave?.();
      return true;
    },
  });

  return {
    hear,
    setVisible(next) {
      isVisible = next;
      look();
    },
    get term() {
      return term;
    },
    ended: stand(),
  };

  async function stand(): Promise<void> {
    while (!signal.aborted) {
      const round = new AbortController();
      const end = (): void => round.abort();
      let stopClock: Stop | undefined;
      const its = how;
      how = 'wait';
      leave = end;
      look();
      try {
        await tabs.lead(
          (held) => {
            leave = undefined;
            resign = end;
            const over = (): void => {
              resign = undefined;
              // Robbed: whoever leads now never heard of this term where that is above its own. It hears of it, and stands again.
              if (!round.signal.aborted && !signal.aborted) tabs.announce({ kind: 'ask', term });
            };
            held.addEventListener('abort', over, { once: true });
            look();
            stopClock = watchClock(world, end);
            // By the clock above every term that it never heard of, too: whoever was frozen since before it opened told it none.
            term = Math.max(term + 1, world.now());
            return lead(held, term);
          },
          AbortSignal.any([signal, round.signal]),
          its,
        );
      } catch (error) {
        if (signal.aborted) return;
        report(toFailure(error));
        await pause(world, backoff.next(), signal);
      } finally {
        stopClock?.();
        leave = resign = undefined;
        look();
      }
    }
  }

  /** A tab asks while somebody looks at it and it waits for the lead: else it sets no timer. */
  function look(): void {
    heartbeat.set(isVisible && leave !== undefined);
  }

  function hear(message: TabMessage): boolean {
    // Without locks every tab leads itself, and robs nobody.
    if (!('term' in message) || !tabs.exclusive) return true;
    const isAsk = message.kind === 'ask';
    if (message.term > term && (!isAsk || resign !== undefined)) {
      resign?.();
      ({ term } = message);
    } else if (resign !== undefined) {
      // Of two leaders one was robbed, and hears of it from the platform; it lives all the same.
      if (isAsk) tabs.announce({ kind: 'here', term });
      return isAsk;
    } else if (message.term < term) {
      // It never heard of a term that has been: it hears of it now, and stands again.
      if (message.kind === 'leader') tabs.announce({ kind: 'ask', term });
      return isAsk;
    }
    if (isAsk) return true;
    heartbeat.heard();
    if (message.kind === 'here') isAnswered = true;
    return true;
  }
}
