// A leader looks at its clock at every tick: one that jumped tells of a freeze or a sleep, which the tab itself did not feel.
import type { Stop, World } from '../ports/world.ts';

/** Between two looks, in milliseconds: seldom enough to cost an idle page nothing, and a thawed tab's timer is due at once. */
export const tickMs = 5000;

/** How far a clock may be off at one tick, in milliseconds. A busy machine is late by less; a sleep is longer. */
export const jumpMsMax = 10_000;

/**
 * Calls `onJump`, once, when the wall clock has moved more than {@link jumpMsMax} further than one tick, or has moved
 * back by as much. A jump proves nothing about other tabs: it ends this one's own work, and nothing else.
 */
export function watchClock(world: World, onJump: () => void): Stop {
  let stop = look(world.now());
  return () => stop();

  function look(before: number): Stop {
    return world.after(tickMs, () => {
      const now = world.now();
      if (Math.abs(now - before - tickMs) > jumpMsMax) onJump();
      else stop = look(now);
    });
  }
}
