// Who of a device's tabs talks to the relay: whoever holds the lock, for as long as it holds it and its clock does not jump.
import { toFailure, type Failure } from '../failure.ts';
import { createBackoff } from '../timing/backoff.ts';
import { pause } from '../timing/wait.ts';
import type { Tabs } from '../ports/tabs.ts';
import type { Stop, World } from '../ports/world.ts';
import { watchClock } from './clock.ts';

/**
 * Stands for election until the signal aborts. `lead` runs while this tab leads; its signal aborts when it must stop.
 * When it fails, that is reported, and the tab stands again after a while, behind the others. A leader whose clock
 * jumped was frozen or asleep: what it holds in memory is old, so it lets go and stands again, behind the others too.
 */
export async function standForElection(parts: {
  readonly tabs: Tabs;
  readonly world: World;
  readonly lead: (signal: AbortSignal) => Promise<void>;
  readonly report: (failure: Failure) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { tabs, world, lead, report, signal } = parts;
  const backoff = createBackoff(world);
  while (!signal.aborted) {
    const jumped = new AbortController();
    const until = AbortSignal.any([signal, jumped.signal]);
    let stop: Stop | undefined;
    try {
      await tabs.lead(() => {
        stop = watchClock(world, () => jumped.abort());
        return lead(until);
      }, until);
    } catch (error) {
      if (signal.aborted) return;
      report(toFailure(error));
      await pause(world, backoff.next(), signal);
    } finally {
      stop?.();
    }
  }
}
